# expect 12 `"${var.prefix}."` Sensitive value where it would be shown
variable "prefix" {
  default   = "x"
  sensitive = true
}
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  rename { prefix = "${var.prefix}." }
}
