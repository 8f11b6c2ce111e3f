# expect 10 `sync` Unsupported block type
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" { cluster = cluster.b }
  sync "metadata" { acls = true }
}
