# expect 3 `pipeline "p"` Missing sink
cluster "a" { brokers = ["a:1"] }
pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
}
