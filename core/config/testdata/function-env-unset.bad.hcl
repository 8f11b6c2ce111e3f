# expect 2 `NOT_SET` Invalid function argument
cluster "a" { brokers = [env("NOT_SET")] }
