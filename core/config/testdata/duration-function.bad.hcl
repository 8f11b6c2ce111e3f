# expect 8 `1 hour` Invalid function argument
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  shutdown_timeout = duration("1 hour")
}
