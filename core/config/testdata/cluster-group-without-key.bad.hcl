# expect 8 `cluster.r` Not a cluster
cluster "r" {
  for_each = toset(["us", "eu"])
  brokers  = ["${each.key}:1"]
}
cluster "c" { brokers = ["c:1"] }
mirror "m" {
  from   = cluster.r
  to     = cluster.c
  topics = ["t"]
}
