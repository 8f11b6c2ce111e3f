# expect 5 `east` Invalid reference
cluster "east" { brokers = ["a:1"] }
cluster "west" { brokers = ["b:1"] }
mirror "m" {
  from   = east
  to     = cluster.west
  topics = ["t"]
}
