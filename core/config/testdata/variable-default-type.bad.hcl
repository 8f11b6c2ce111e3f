# expect 4 `"many"` Invalid value for variable
variable "n" {
  type    = number
  default = "many"
}
