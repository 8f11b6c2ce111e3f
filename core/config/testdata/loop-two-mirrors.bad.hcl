# expect 9 `mirror "back"` Pipelines form a loop
cluster "east" { brokers = ["e:1"] }
cluster "west" { brokers = ["w:1"] }
mirror "there" {
  from   = cluster.east
  to     = cluster.west
  topics = ["carts.*"]
}
mirror "back" {
  from   = cluster.west
  to     = cluster.east
  topics = ["carts.*"]
}
