# expect 2 `"1 east"` Invalid cluster name
cluster "1 east" { brokers = ["a:1"] }
