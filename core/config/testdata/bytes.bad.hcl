# expect 8 `"64 megabytes"` Invalid value for memory
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  memory = "64 megabytes"
}
