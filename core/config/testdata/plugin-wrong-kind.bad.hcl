# expect 4 `"rename"` Plugin has no source
cluster "a" { brokers = ["a:1"] }
pipeline "p" {
  source "rename" { prefix = "x" }
  sink "kafka" { cluster = cluster.a }
}
