# expect 6 hidden Invalid value for password
cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
    password = ["hunter2-canary"]
  }
}
