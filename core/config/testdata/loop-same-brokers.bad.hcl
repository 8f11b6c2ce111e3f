# expect 4 `mirror "m"` Pipeline feeds itself
cluster "a" { brokers = ["x:1", "y:1"] }
cluster "b" { brokers = ["y:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t.*"]
  rename { prefix = "t." }
}
