# expect 2 `env.BROKERS` Invalid reference
cluster "a" { brokers = [env.BROKERS] }
