# expect 2 `timestamp` Unsupported function
cluster "a" { brokers = [timestamp()] }
