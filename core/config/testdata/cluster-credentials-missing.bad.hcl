# expect 4 `sasl "plain"` Missing credentials
cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
  }
}
