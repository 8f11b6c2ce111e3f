# expect 9 `groups` Unsupported argument
# expect 10 `sync` Unsupported argument
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  groups = ["*"]
  sync   = ["configs"]
}
