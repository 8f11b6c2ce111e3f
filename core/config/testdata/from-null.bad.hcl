# expect 4 `null` Missing required argument
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = null
  to     = cluster.b
  topics = ["t"]
}
