# expect 7 `"[a-"` Invalid topic pattern
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["orders.*", "[a-"]
}
