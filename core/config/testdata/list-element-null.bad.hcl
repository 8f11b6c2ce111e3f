# expect 2 `null` Invalid value for brokers
cluster "a" { brokers = ["a:1", null] }
