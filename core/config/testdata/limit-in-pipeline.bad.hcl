# expect 5 `limit` Empty limit
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
pipeline "p" {
  limit {}
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
}
