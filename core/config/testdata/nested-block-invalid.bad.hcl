# expect 14 `"a("` Invalid regular expression
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  rename {
    replace {
      pattern = "a"
      with    = "b"
    }
    replace {
      pattern = "a("
      with    = "b"
    }
  }
}
