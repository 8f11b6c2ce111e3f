# expect 8 `"exactly_once"` Unsupported value
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from     = cluster.a
  to       = cluster.b
  topics   = ["t"]
  delivery = "exactly_once"
}
