# expect 8 `isolaiton` Unsupported argument
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  isolaiton = "read_committed"
}
