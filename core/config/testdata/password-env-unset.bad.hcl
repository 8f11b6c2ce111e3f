# expect 6 hidden Invalid function argument
cluster "a" {
  brokers = ["a:9092"]
  sasl "plain" {
    username = "u"
    password = env("NOT_SET")
  }
}
