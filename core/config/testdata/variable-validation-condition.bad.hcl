# expect 5 `[var.since]` Invalid condition
variable "since" {
  default = "x"
  validation {
    condition     = [var.since]
    error_message = "Never shown."
  }
}
