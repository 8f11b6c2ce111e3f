# expect 10 `mirror "m.x"` Duplicate pipeline
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  for_each = toset(["x"])
  from     = cluster.a
  to       = cluster.b
  topics   = ["t"]
}
mirror "m.x" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
}
