# expect 3 `local.names` Invalid for_each
cluster "a" {
  for_each = local.names
  brokers  = ["a:1"]
}
locals { names = sensitive(toset(["x"])) }
