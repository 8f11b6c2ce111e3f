# expect 8 `rename` Two topics, one name
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["orders", "orders-v2"]
  rename {
    replace {
      pattern = "-v[0-9]$"
      with    = ""
    }
  }
}
