# expect 3 `count` Unsupported argument
cluster "a" {
  count   = 3
  brokers = ["a:1"]
}
