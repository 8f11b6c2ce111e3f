# expect 4 hidden Invalid value for variable
variable "port" {
  type      = number
  default   = "hunter2-canary"
  sensitive = true
}
