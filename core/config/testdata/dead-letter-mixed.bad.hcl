# expect 5 `pipeline "p"` Two topics, one name
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  on_reject = "dead_letter"
  dead_letter { topic = "t" }
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
}
