# expect 2 `["b:1"]` Invalid value for brokers
cluster "a" { brokers = ["a:1", ["b:1"]] }
