# expect 3 `["x", "y"]` Invalid for_each
cluster "a" {
  for_each = ["x", "y"]
  brokers  = ["a:1"]
}
