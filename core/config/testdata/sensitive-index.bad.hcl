# expect 7 hidden Unsupported attribute
locals { pw = { a = sensitive("hunter2-canary") } }
cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
    password = local.pw.b
  }
}
