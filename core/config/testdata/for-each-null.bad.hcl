# expect 3 `null` Invalid for_each
cluster "a" {
  for_each = null
  brokers  = ["a:1"]
}
