# expect 4 `"postgresql"` Unknown plugin
cluster "a" { brokers = ["a:1"] }
pipeline "p" {
  source "postgresql" {}
  sink "kafka" { cluster = cluster.a }
}
