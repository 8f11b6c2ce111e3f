# expect 11 `mirror "p"` Duplicate pipeline
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
}
mirror "p" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
}
