# expect 3 `toset(["us east"])` Invalid for_each
cluster "a" {
  for_each = toset(["us east"])
  brokers  = ["a:1"]
}
