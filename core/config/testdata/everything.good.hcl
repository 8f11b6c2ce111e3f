# Every block of the language, and most ways to write a value.

variable "codec" {
  type        = string
  default     = "zstd"
  description = "How batches are compressed."
  nullable    = false

  validation {
    condition     = contains(["lz4", "zstd"], var.codec)
    error_message = "Write lz4 or zstd, not ${var.codec}."
  }
}

variable "password" {
  type      = string
  sensitive = true
  default   = "hunter2-canary"
}

variable "from_env" { type = string }

locals {
  pairs = {
    there = { from = cluster.old["a"], to = cluster.new, prefix = "old." }
    back  = { from = cluster.new, to = cluster.old["a"], prefix = "new." }
  }
  excluded = [for name, pair in local.pairs : "!${pair.prefix}*"]
  note     = <<-EOT
    Text of
    several lines with ${upper("values")} and $${none}.
  EOT
}

cluster "old" {
  for_each = toset(["a", "b"])
  brokers  = ["${each.key}-1:9092", "${each.value}-2:9092"]
}

cluster "new" {
  brokers         = [var.from_env]
  tls_server_name = null

  sasl "plain" {
    username = "u$${x}"
    password = var.password
  }
}

mirror "pair" {
  for_each         = local.pairs
  from             = each.value.from
  to               = each.value.to
  topics           = concat(["carts.*"], local.excluded)
  compression      = var.codec
  memory           = "64MiB"
  shutdown_timeout = "90s"

  rename { prefix = each.value.prefix }
}

pipeline "long" {
  delivery = "at_least_once"
  lanes    = "8"

  source "kafka" {
    cluster   = cluster.old["b"]
    topics    = ["/orders-[0-9]+/"]
    isolation = "read_uncommitted"
  }

  transform "rename" {
    map = {
      "orders-1" = "first"
      orders-2   = "second"
    }
  }

  transform "rename" {
    replace {
      pattern = "^(.)"
      with    = "x$${1}"
    }
    replace {
      pattern = "\\d"
      with    = ""
    }
  }

  sink "kafka" {
    cluster            = cluster.new
    batch_size         = "512KiB"
    linger             = "5ms"
    create_topics      = false
    replication_factor = 3
    ratio              = 0.5
  }
}

pipeline "hook" {
  source "kafka" {
    cluster = cluster.old["b"]
    topics  = ["audit"]
    since   = 42
  }

  sink "webhook" {
    url    = "https://example.net/x"
    labels = { team = "data", tier = 1 }
    token  = sensitive("hunter2-canary")

    auth "basic" { key = "hunter2-canary" }
  }
}

server { listen = "127.0.0.1:9644" }
