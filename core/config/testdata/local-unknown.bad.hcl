# expect 3 `local.region` Unknown local
locals { regions = ["us"] }
cluster "a" { brokers = local.region }
