# expect 3 `null` Variable is null
variable "n" {
  default  = null
  nullable = false
}
