# expect 15 `mirror "ca"` Pipelines form a loop
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
cluster "c" { brokers = ["c:1"] }
mirror "ab" {
  from   = cluster.a
  to     = cluster.b
  topics = ["/orders-[0-9]+/"]
}
mirror "bc" {
  from   = cluster.b
  to     = cluster.c
  topics = ["orders-?"]
}
mirror "ca" {
  from   = cluster.c
  to     = cluster.a
  topics = ["orders-[0-9]"]
}
