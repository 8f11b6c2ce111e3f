# expect - No pipelines
cluster "a" { brokers = ["a:1"] }
