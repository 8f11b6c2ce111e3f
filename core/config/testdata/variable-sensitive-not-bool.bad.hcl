# expect 4 `"maybe"` Invalid sensitive
variable "n" {
  default   = 1
  sensitive = "maybe"
}
