# expect 14 `var.limit` Template in an expression
# expect 15 `var.limit` Template in an expression
# expect 17 `%{ if true }1%{ endif }` Template in an expression
variable "limit" { default = 5 }

cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  transform "sieve" { where = "value.total > ${var.limit}" }
  transform "sieve" { headers = { "a" = "1", "b" = "${var.limit}" } }
  transform "sieve" {
    where = "value.total > %{ if true }1%{ endif }"
  }
  sink "kafka" { cluster = cluster.b }
}
