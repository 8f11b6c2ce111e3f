# expect 10 `mirror "back"` Pipelines form a loop
cluster "east" { brokers = ["e:1"] }
cluster "west" { brokers = ["w:1"] }
mirror "there" {
  from   = cluster.east
  to     = cluster.west
  topics = ["*"]
  rename { prefix = "east." }
}
mirror "back" {
  from   = cluster.west
  to     = cluster.east
  topics = ["*"]
  rename { prefix = "west." }
}
