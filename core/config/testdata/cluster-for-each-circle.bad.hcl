# expect 4 `local.names` Reference in a circle
locals { names = cluster.r }
cluster "r" {
  for_each = local.names
  brokers  = ["a:1"]
}
