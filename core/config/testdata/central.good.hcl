variable "regions" {
  type    = map(list(string))
  default = { us = ["us-1:9092"], eu = ["eu-1:9092"], ap = ["ap-1:9092"] }
}

cluster "region" {
  for_each = var.regions
  brokers  = each.value
}
cluster "analytics" { brokers = split(",", env("BROKERS")) }

mirror "central" {
  for_each = var.regions
  from     = cluster.region[each.key]
  to       = cluster.analytics
  topics   = ["events.*"]
  lanes    = 4
  rename {
    prefix = "${each.key}."
    replace {
      pattern = "a(.)"
      with    = "$${1}"
    }
  }
}

server { listen = "127.0.0.1:9644" }
