# expect 3 `mirror "m"` Pipeline feeds itself
cluster "a" { brokers = ["a:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.a
  topics = ["t"]
}
