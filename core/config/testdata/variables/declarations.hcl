# Variables of every type; what they are shows in the names of topics.
variable "name" {
  validation {
    condition     = can(regex("^[a-z]*$", var.name))
    error_message = "Write lower-case letters only."
  }
  default = ""
}
variable "number" {
  type    = number
  default = 0
}
variable "enabled" {
  type     = bool
  nullable = false
}
variable "list" {
  type    = list(string)
  default = []
}
variable "map" {
  type    = map(string)
  default = {}
}
variable "object" {
  type    = object({ host = string, port = number, tls = optional(bool, true) })
  default = null
}
variable "nothing" { default = "something" }
variable "secret" {
  type      = string
  sensitive = true
  default   = ""
}

cluster "a" {
  brokers = ["a:1"]
  sasl "plain" {
    username = "u"
    password = "x${var.secret}"
  }
}
cluster "b" { brokers = ["b:1"] }

mirror "m" {
  from   = cluster.a
  to     = cluster.b
  topics = ["t", replace(jsonencode([var.name, var.number, var.enabled, var.list, var.map, var.object, var.nothing]), "/[^a-z0-9.]/", ".")]
}
