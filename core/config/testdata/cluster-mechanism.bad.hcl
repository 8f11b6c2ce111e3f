# expect 4 `"scram-sha-265"` Invalid mechanism
cluster "a" {
  brokers = ["a:1"]
  sasl "scram-sha-265" {
    username = "u"
  }
}
