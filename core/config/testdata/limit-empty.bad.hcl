# expect 8 `limit` Empty limit
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  limit {}
}
