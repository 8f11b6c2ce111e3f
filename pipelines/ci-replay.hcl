# CI replay: a bounded piece of production in a test cluster; the run ends by itself.

variable "since" {
  description = "Where to begin: \"earliest\", an RFC 3339 time, or an offset."
  default     = "earliest"
}

variable "until" {
  description = "Where to end: \"latest\" (as of the start), an RFC 3339 time, or an offset."
  default     = "latest"
}

cluster "production" {
  brokers = split(",", env("PRODUCTION_BROKERS", "localhost:19092"))
}

cluster "ci" {
  brokers = split(",", env("CI_BROKERS", "localhost:29092"))
}

mirror "replay" {
  from   = cluster.production
  to     = cluster.ci
  topics = ["orders"]
  since  = var.since
  until  = var.until
  rename { prefix = "replay." }
}
