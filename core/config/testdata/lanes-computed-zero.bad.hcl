# expect 8 `1 - 1` Invalid number of lanes
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  lanes  = 1 - 1
}
