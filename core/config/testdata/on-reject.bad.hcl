# expect 6 `"dead_letters"` Invalid value for on_reject
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  on_reject = "dead_letters"
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
}
