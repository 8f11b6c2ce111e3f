# expect 9 `replace` Missing required argument
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  rename {
    replace {
      pattern = "a"
    }
  }
}
