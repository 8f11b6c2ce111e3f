# expect 8 `0` Invalid value for bytes
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  limit { bytes = 0 }
}
