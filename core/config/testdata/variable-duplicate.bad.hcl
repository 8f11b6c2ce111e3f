# expect 3 `variable "n"` Duplicate variable
variable "n" { default = 1 }
variable "n" { default = 2 }
