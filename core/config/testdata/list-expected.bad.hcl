# expect 2 `"a:1"` Invalid value for brokers
cluster "a" { brokers = "a:1" }
