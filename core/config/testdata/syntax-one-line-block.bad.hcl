# expect 2 `,` Invalid single-argument block definition
cluster "a" { brokers = ["a:1"], tls = true }
