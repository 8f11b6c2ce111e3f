# expect 12 `format("value.%s > BAD", var.name)` Invalid expression
variable "name" { default = "total" }

cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  transform "sieve" { where = format("value.%s > BAD", var.name) }
  sink "kafka" { cluster = cluster.b }
}
