# expect 9 hidden Sensitive value where it would be shown
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
locals { key = sensitive("x1y") }
mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t"]
  since = can(tonumber(local.key)) ? "latest" : "earliest"
}
