# Active-active: two clusters, both written to, each with a prefixed copy of the other's topics.

cluster "east" {
  brokers = split(",", env("EAST_BROKERS", "localhost:19092"))
}

cluster "west" {
  brokers = split(",", env("WEST_BROKERS", "localhost:29092"))
}

# A copy is never copied back: each side leaves out what came from the other.

mirror "east-to-west" {
  from   = cluster.east
  to     = cluster.west
  topics = ["*", "!west.*"]
  rename { prefix = "east." }
}

mirror "west-to-east" {
  from   = cluster.west
  to     = cluster.east
  topics = ["*", "!east.*"]
  rename { prefix = "west." }
}
