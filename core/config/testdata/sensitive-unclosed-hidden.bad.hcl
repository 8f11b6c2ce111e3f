# expect 6 hidden Invalid multi-line string
cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
    password = "hunter2-canary
  }
}
