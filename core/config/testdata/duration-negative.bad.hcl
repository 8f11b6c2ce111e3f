# expect 8 `-1` Invalid value for shutdown_timeout
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  shutdown_timeout = -1
}
