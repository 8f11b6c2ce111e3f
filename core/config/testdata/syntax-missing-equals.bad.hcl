# expect 3 `brokers` Argument or block definition required
cluster "a" {
  brokers ["a:1"]
}
