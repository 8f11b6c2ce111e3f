# expect 2 `no-such-file` Invalid function argument
cluster "a" { brokers = [file("no-such-file")] }
