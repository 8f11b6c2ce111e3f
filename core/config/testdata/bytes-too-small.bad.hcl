# expect 8 `bytes("1MiB") / 2` Too little memory
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  memory = bytes("1MiB") / 2
}
