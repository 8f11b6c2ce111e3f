# expect 2 `each.key` Invalid reference
cluster "a" { brokers = [each.key] }
