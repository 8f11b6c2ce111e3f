# expect 9 `cluster.r[each.key]` Unknown cluster
cluster "r" {
  for_each = toset(["us", "eu"])
  brokers  = ["${each.key}:1"]
}
cluster "c" { brokers = ["c:1"] }
mirror "m" {
  for_each = toset(["us", "asia"])
  from     = cluster.r[each.key]
  to       = cluster.c
  topics   = ["t"]
  rename { prefix = "${each.key}." }
}
