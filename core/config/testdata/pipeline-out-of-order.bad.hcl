# expect 10 `transform "rename"` Stages out of order
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
  transform "rename" { prefix = "x." }
}
