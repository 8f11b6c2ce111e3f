# expect 6 `9223372036854775808` Invalid value for lanes
# expect 13 `3000000000` Invalid value for replication_factor
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
pipeline "p" {
  lanes = 9223372036854775808
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  sink "kafka" {
    cluster            = cluster.b
    replication_factor = 3000000000
  }
}
