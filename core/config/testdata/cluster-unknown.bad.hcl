# expect 5 `cluster.est` Unknown cluster
cluster "east" { brokers = ["a:1"] }
cluster "west" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.est
  to     = cluster.west
  topics = ["t"]
}
