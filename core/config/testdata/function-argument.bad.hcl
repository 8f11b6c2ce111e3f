# expect 2 `[` Invalid function argument
cluster "a" { brokers = split(",", ["a"]) }
