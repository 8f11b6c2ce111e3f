# expect 2 `var` Invalid reference
cluster "a" { brokers = var }
