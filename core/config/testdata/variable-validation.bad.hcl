# expect 2 `variable "since"` Invalid value for variable
variable "since" {
  default = "yesterday"
  validation {
    condition     = var.since != "yesterday"
    error_message = "Write a time, not ${var.since}."
  }
}
