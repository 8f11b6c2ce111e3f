# expect 7 `"dead letters"` Invalid topic name
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  on_reject = "dead_letter"
  dead_letter { topic = "dead letters" }
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
}
