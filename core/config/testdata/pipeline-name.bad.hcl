# expect 2 `"my pipeline"` Invalid pipeline name
pipeline "my pipeline" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "webhook" { url = "http://x" }
}
cluster "a" { brokers = ["a:1"] }
