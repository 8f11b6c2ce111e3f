# expect 2 `%100000s` Invalid function argument
cluster "a" { brokers = [format("%100000s", "x")] }
