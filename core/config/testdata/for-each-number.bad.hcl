# expect 3 `3` Invalid for_each
cluster "a" {
  for_each = 3
  brokers  = ["a:1"]
}
