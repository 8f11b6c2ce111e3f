cluster "a" { brokers = ["a:9092"] }

# What a record-by-record router does to names no file says: reading and writing one
# cluster is not refused.
pipeline "p" {
  on_reject = "dead_letter"
  dead_letter { topic = "dead" }
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  transform "route" { topic = "value.topic" }
  sink "kafka" { cluster = cluster.a }
}
