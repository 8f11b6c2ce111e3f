# expect 2 `{` Missing name for cluster
cluster {
  brokers = ["a:1"]
}
