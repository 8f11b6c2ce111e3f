# expect 8 `"go on"` Invalid value for on_gap
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  on_gap = "go on"
}
