# expect 8 `b` Invalid function argument
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  since = lookup({ a = 1 }, "b")
}
