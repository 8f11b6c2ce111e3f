# expect 8 `cluster.r["uk"]` Unknown cluster
cluster "r" {
  for_each = toset(["us", "eu"])
  brokers  = ["${each.key}:1"]
}
cluster "c" { brokers = ["c:1"] }
mirror "m" {
  from   = cluster.r["uk"]
  to     = cluster.c
  topics = ["t"]
}
