# expect 2 `{` Unclosed configuration block
cluster "a" {
  brokers = ["a:1"]
