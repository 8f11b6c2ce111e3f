# expect 8 `"restat"` Invalid value for on_recreate
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  on_recreate = "restat"
}
