# expect 4 `brokers` Attribute redefined
cluster "a" {
  brokers = ["a:1"]
  brokers = ["b:1"]
}
