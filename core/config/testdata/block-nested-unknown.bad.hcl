# expect 4 `sassl` Unsupported block type
cluster "a" {
  brokers = ["a:1"]
  sassl "plain" {}
}
