# Disaster recovery: the topics of one cluster, under the same names, on a second one.

cluster "primary" {
  brokers = split(",", env("PRIMARY_BROKERS", "localhost:19092"))
}

cluster "standby" {
  brokers = split(",", env("STANDBY_BROKERS", "localhost:29092"))
}

mirror "dr" {
  from   = cluster.primary
  to     = cluster.standby
  topics = ["orders.*", "payments", "!*.internal"]
}
