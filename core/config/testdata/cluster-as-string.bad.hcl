# expect 5 `"east"` Not a cluster
cluster "east" { brokers = ["a:1"] }
cluster "west" { brokers = ["b:1"] }
mirror "m" {
  from   = "east"
  to     = cluster.west
  topics = ["t"]
}
