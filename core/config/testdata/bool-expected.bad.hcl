# expect 4 `"yes"` Invalid value for tls
cluster "a" {
  brokers = ["a:1"]
  tls     = "yes"
}
