# expect 8 `sasl "plain"` Duplicate sasl block
cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
    password = "hunter2-canary"
  }
  sasl "plain" {}
}
