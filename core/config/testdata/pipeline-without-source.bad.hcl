# expect 3 `pipeline "p"` Missing source
cluster "a" { brokers = ["a:1"] }
pipeline "p" {
  sink "kafka" { cluster = cluster.a }
}
