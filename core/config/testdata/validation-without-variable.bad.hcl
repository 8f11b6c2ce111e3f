# expect 6 `true` Condition without the variable
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
variable "v" {
  validation {
    condition     = true
    error_message = "Never."
  }
  default = 1
}
