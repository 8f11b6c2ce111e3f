# expect 8 `["a", "b"]` Invalid value for map
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  rename { map = ["a", "b"] }
}
