cluster "east" { brokers = ["east-1:9092", "east-2:9092"] }

cluster "west" {
  brokers = ["west-1:9093"]
  tls     = true
  sasl "scram-sha-512" {
    username = "klamm"
    password = env("WEST_PASSWORD", "hunter2")
  }
}

pipeline "dr" {
  source "kafka" {
    cluster = cluster.east
    topics  = ["orders.*", "payments", "!*.internal"]
    since   = 42
  }
  transform "rename" { prefix = "east." }
  sink "kafka" {
    cluster       = cluster.west
    create_topics = false
  }
}

mirror "dr2" {
  from   = cluster.east
  to     = cluster.west
  topics = ["other.*"]
}
