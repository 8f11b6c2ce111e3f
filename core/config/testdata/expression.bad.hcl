# expect 11 `BAD` Invalid expression
# expect 12 `BAD` Invalid expression
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  transform "sieve" { where = "value.a == \"ü\\u00fc$${\" && BAD > 1" }
  transform "sieve" { headers = { "x" = "1", "y" = "a BAD" } }
  sink "kafka" { cluster = cluster.b }
}
