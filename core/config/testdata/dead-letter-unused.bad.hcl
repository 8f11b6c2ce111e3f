# expect 6 `dead_letter` No dead letters
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  dead_letter { topic = "dead" }
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
}
