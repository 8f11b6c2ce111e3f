# expect 8 `"hash"` Invalid value for partitioner
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  partitioner = "hash"
}
