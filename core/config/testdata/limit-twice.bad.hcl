# expect 9 `limit` Duplicate limit block
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  limit { records = 1 }
  limit { records = 2 }
}
