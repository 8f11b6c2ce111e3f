# expect 4 `{` Missing required argument
variable "since" {
  default = "x"
  validation {
    condition = true
  }
}
