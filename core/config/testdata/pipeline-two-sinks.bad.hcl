# expect 10 `sink "webhook"` Duplicate sink
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
  sink "webhook" { url = "http://x" }
}
