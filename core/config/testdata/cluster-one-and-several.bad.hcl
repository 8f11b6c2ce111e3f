# expect 2 `cluster "a"` Duplicate cluster
cluster "a" { brokers = ["a:1"] }
cluster "a.x" { brokers = ["b:1"] }
