# expect 10 hidden Invalid value for brokers
locals { pw = "hunter2-canary" }
cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
    password = local.pw
  }
}
cluster "b" { brokers = [["hunter2-canary"]] }
