# expect 8 `"skip"` Invalid value for on_truncate
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  on_truncate = "skip"
}
