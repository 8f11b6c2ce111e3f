# expect 4 `from` Unsupported argument
cluster "a" { brokers = ["a:1"] }
pipeline "p" {
  from = cluster.a
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "webhook" { url = "http://x" }
}
