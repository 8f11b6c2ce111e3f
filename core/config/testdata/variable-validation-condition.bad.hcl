# expect 5 `["no"]` Invalid condition
variable "since" {
  default = "x"
  validation {
    condition     = ["no"]
    error_message = "Never shown."
  }
}
