# Aggregation: the events of three regions in one central cluster, the region as prefix.

locals {
  regions = {
    us = env("US_BROKERS", "localhost:19092")
    eu = env("EU_BROKERS", "localhost:29092")
    ap = env("AP_BROKERS", "localhost:39092")
  }
}

cluster "region" {
  for_each = local.regions
  brokers  = split(",", each.value)
}

cluster "central" {
  brokers = split(",", env("CENTRAL_BROKERS", "localhost:49092"))
}

mirror "events" {
  for_each = local.regions
  from     = cluster.region[each.key]
  to       = cluster.central
  topics   = ["events.*"]
  rename { prefix = "${each.key}." }
}
