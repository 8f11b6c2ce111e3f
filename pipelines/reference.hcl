# Reference: every block and every attribute of the language, each with what it is for.

# A value from outside: -var, -var-file, or the environment's KLAMM_VAR_environment.
variable "environment" {
  type        = string
  default     = "test"
  description = "Which environment the copies are for; their names begin with it."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+$", var.environment))
    error_message = "Write lower-case letters only."
  }
}

variable "token" {
  type      = string
  default   = null
  sensitive = true # printed nowhere, nor is what is made of it
}

# Names for expressions.
locals {
  regions = {
    us = env("US_BROKERS", "localhost:19092")
    eu = env("EU_BROKERS", "localhost:29092")
  }
  per_second = bytes("64MiB") / length(local.regions)
}

# One cluster per region: cluster.region["us"] and cluster.region["eu"].
cluster "region" {
  for_each = local.regions
  brokers  = split(",", each.value)
}

cluster "central" {
  brokers = split(",", env("CENTRAL_BROKERS", "localhost:39092"))
}

# A cluster within the process, for trials.
cluster "scratch" {
  embedded = true
}

cluster "secured" {
  brokers         = ["secured.example.com:9093"]
  tls             = true
  tls_ca_file     = "ca.pem"              # instead of the system's
  tls_cert_file   = "client.pem"          # mTLS
  tls_key_file    = "client.key"          # mTLS
  tls_server_name = "secured.example.com" # if the certificate says another name than brokers

  sasl "scram-sha-512" {
    username = "klamm"
    password = env("SECURED_PASSWORD", "secret")
  }
}

cluster "cloud" {
  brokers = ["b-1.example.amazonaws.com:9098"]
  tls     = true

  # Without these the environment's AWS_ACCESS_KEY_ID and so on are used.
  sasl "aws-msk-iam" {
    access_key    = "AKIAIOSFODNN7EXAMPLE"
    secret_key    = env("CLOUD_SECRET_KEY", "secret")
    session_token = env("CLOUD_SESSION_TOKEN", "secret")
  }
}

# From Kafka to Kafka, said as a sentence. It has the settings of a pipeline, too.
mirror "events" {
  for_each = local.regions
  from     = cluster.region[each.key]
  to       = cluster.central
  topics   = ["events.*", "!*.internal"]

  since              = "earliest"         # where partitions begin that have no position yet
  isolation          = "read_committed"   # no records of aborted transactions
  compression        = "zstd"             # of the batches written
  create_topics      = true               # as they are at the source
  replication_factor = -1                 # of topics created: the cluster's default
  partitioner        = "keep"             # partition 3 of a topic becomes partition 3 of its copy
  delivery           = "at_least_once"    # a crash may repeat a suffix of what was being written
  lanes              = 4                  # the most processes that can share the work
  memory             = "128MiB"           # that each process may take for the pipeline
  shutdown_timeout   = duration("1m") / 2 # how long a stop waits for what is in flight
  on_gap             = "stop"             # or "skip": retention was faster than the mirror
  on_truncate        = "stop"             # or "continue": the source lost records already copied
  on_recreate        = "stop"             # or "restart": the topic was deleted and made again
  on_reject          = "dead_letter"      # or "stop", "drop": a transform cannot process a record

  # Only for what a transform rejects; the rename of a mirror rejects nothing.
  dead_letter { topic = "${each.key}.dead" }

  # Per second, over all processes.
  limit {
    bytes   = local.per_second
    records = 100000
  }

  rename { prefix = "${var.environment}.${each.key}." }
}

# With an end: the run stops by itself when every partition has reached it.
mirror "trial" {
  from   = cluster.region["us"]
  to     = cluster.scratch
  topics = ["events.*"]
  until  = "latest"
}

# The same in its long form, with stages that a mirror does not have.
pipeline "orders" {
  delivery         = "at_least_once"
  lanes            = 8
  memory           = "256MiB"
  shutdown_timeout = "30s"
  on_gap           = "skip"
  on_truncate      = "continue"
  on_recreate      = "restart"
  on_reject        = "dead_letter"

  # Records that a transform rejects go here, with headers that say why.
  dead_letter {
    topic = "orders.dead"
  }

  limit {
    bytes   = "5MB"
    records = 1000
  }

  source "kafka" {
    cluster   = cluster.secured
    topics    = ["/orders-[0-9]+/"]
    since     = "2026-11-01T00:00:00Z"
    until     = "latest"
    isolation = "read_uncommitted"
  }

  # Expressions see topic, partition, offset, timestamp, key, value, headers, raw_key
  # and raw_value. A field that is not there is nil, which ?? replaces.
  transform "filter" {
    where = "value.total > 100 and (value.region ?? \"none\") != \"test\""
  }

  transform "set" {
    key            = "string(value.customer)"
    value          = "omit(value, \"card\")"
    timestamp      = "date(value.created)"
    headers        = { "origin" = "topic + \"/\" + string(offset)" }
    remove_headers = ["trace-*", "!trace-id"]
  }

  # Where each record goes.
  transform "route" {
    topic = <<-EOT
      value.total > 10000
        ? topic + ".large"
        : topic
    EOT
  }

  # A topic in the map gets the name there and no other. For all others the rules
  # apply in the order: replace, prefix, suffix.
  transform "rename" {
    map    = { "orders-0" = "orders-legacy" }
    prefix = "${var.environment}."
    suffix = ".copy"

    replace {
      pattern = "^orders-"
      with    = "orders.v"
    }
  }

  sink "kafka" {
    cluster            = cluster.cloud
    compression        = "lz4"
    batch_size         = "1MiB"
    create_topics      = true
    replication_factor = 3
    partitioner        = "key_hash"
  }
}

# Where /metrics, /healthz, /readyz and the API are served.
server {
  listen = "127.0.0.1:9644"
  token  = var.token # of who may change something over the API
}
