# expect 2 `"b"` Extraneous label for cluster
cluster "a" "b" {
  brokers = ["a:1"]
}
