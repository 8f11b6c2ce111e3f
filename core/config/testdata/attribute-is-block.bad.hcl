# expect 4 `sasl` Unsupported argument
cluster "a" {
  brokers = ["a:1"]
  sasl = { mechanism = "plain" }
}
