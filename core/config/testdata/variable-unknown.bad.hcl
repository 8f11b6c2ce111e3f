# expect 3 `var.broker` Unknown variable
variable "brokers" { default = ["a:1"] }
cluster "a" { brokers = var.broker }
