# Sorts a mixed topic: what matters goes to a topic for each kind of event, without the
# card numbers; what is not understood is kept aside, with the reason in its headers.

cluster "shop" {
  brokers = split(",", env("SHOP_BROKERS", "localhost:19092"))
}

cluster "analytics" {
  brokers = split(",", env("ANALYTICS_BROKERS", "localhost:29092"))
}

pipeline "sort" {
  on_reject = "dead_letter"

  dead_letter {
    topic = "events.dead"
  }

  source "kafka" {
    cluster = cluster.shop
    topics  = ["events"]
  }

  # ?. and ?? are for tombstones, which have no value, and for events without the field.
  transform "filter" {
    where = "not (value?.test ?? false)"
  }

  transform "set" {
    value   = "value == nil ? nil : omit(value, \"card\")"
    headers = { "sorted-from" = "topic" }
  }

  # events.order, events.refund, and so on.
  transform "route" {
    topic = <<-EOT
      value == nil
        ? "events.removed"
        : "events." + value.kind
    EOT
  }

  sink "kafka" {
    cluster = cluster.analytics
  }
}
