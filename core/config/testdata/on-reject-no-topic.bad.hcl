# expect 6 `"dead_letter"` No topic for dead letters
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  on_reject = "dead_letter"
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
}
