# expect 8 `1e30` Invalid value for shutdown_timeout
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  shutdown_timeout = 1e30
}
