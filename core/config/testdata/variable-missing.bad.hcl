# expect 2 `variable "brokers"` Missing variable
variable "brokers" { type = list(string) }
cluster "a" { brokers = var.brokers }
