# expect 3 `["ção"]` Invalid value for brokers
cluster "a" {
  brokers = ["größe-你好:1", ["ção"]]
}
