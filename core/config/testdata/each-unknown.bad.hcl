# expect 4 `each.vaule` Invalid reference
cluster "a" {
  for_each = toset(["x"])
  brokers  = [each.vaule]
}
