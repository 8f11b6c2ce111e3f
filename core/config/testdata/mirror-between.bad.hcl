# expect 5 `between` Unsupported argument
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  between = [cluster.a, cluster.b]
  topics  = ["t"]
}
