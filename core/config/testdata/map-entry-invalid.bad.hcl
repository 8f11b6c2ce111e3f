# expect 11 `""` Invalid topic name
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  rename {
    map = {
      a = "b"
      c = ""
    }
  }
}
