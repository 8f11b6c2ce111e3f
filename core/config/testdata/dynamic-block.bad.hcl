# expect 9 `dynamic` Unsupported block type
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  rename {
    dynamic "replace" {
      for_each = ["a"]
    }
    prefix = "a."
  }
}
