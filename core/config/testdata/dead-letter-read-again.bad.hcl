# expect 5 `pipeline "p"` Dead letters would be read again
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  on_reject = "dead_letter"
  dead_letter { topic = "t" }
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  transform "route" { topic = "value.topic" }
  sink "kafka" { cluster = cluster.a }
}
