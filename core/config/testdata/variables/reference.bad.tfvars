# expect 2 `var` Variables not allowed
name = var.name
