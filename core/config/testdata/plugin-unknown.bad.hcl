# expect 4 `"kafak"` Unknown plugin
cluster "a" { brokers = ["a:1"] }
pipeline "p" {
  source "kafak" {
  }
  sink "kafka" { cluster = cluster.a }
}
