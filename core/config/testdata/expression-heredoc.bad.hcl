# expect 14 `BAD` Invalid expression
# expect 20 `BAD` Invalid expression
# expect 25 `BAD` Invalid expression
cluster "a" { brokers = ["a:9092"] }
cluster "b" { brokers = ["b:9092"] }

pipeline "p" {
  source "kafka" {
    cluster = cluster.a
    topics  = ["t"]
  }
  transform "sieve" {
    where = <<EOT
value.total > 100 && BAD
EOT
  }
  transform "sieve" {
    where = <<-EOT
      value.total > 100
        && value.text == "$${x}" and BAD != "\n"
    EOT
  }
  transform "sieve" {
    rule {
      when = " BAD"
    }
  }
  sink "kafka" { cluster = cluster.b }
}
