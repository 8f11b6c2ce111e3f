# expect 3 `cluster "a"` Duplicate cluster
cluster "a" { brokers = ["a:1"] }
cluster "a" { brokers = ["b:1"] }
