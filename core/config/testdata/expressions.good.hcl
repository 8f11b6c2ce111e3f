variable "limit" { default = 5 }

cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  transform "sieve" {
    where   = "value.total > 100 and value.text != \"$${x}\""
    headers = { "region" = "value.region" }
  }
  transform "sieve" {
    where = <<-EOT
      value.total > 100
        and value.text != ""
    EOT
    rule { when = format("value.total > %d", var.limit) }
  }
  sink "kafka" { cluster = cluster.b }
}
