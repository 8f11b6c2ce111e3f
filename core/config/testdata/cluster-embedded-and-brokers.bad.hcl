# expect 4 `["a:1"]` Cluster is embedded
cluster "a" {
  embedded = true
  brokers  = ["a:1"]
}
