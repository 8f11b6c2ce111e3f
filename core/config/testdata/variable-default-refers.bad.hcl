# expect 3 `local.n` Reference not allowed
locals { n = 3 }
variable "n" { default = local.n }
