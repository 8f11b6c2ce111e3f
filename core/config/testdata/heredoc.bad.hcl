# expect 5 `var.x` Unknown variable
cluster "a" {
  brokers = ["a:1"]
  tls     = <<-EOT
    ${var.x}
  EOT
}
