# expect 8 `transform` Unsupported block type
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  transform "rename" { prefix = "a." }
}
