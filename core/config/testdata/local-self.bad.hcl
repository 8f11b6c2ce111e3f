# expect 2 `local.a` Reference in a circle
locals { a = [local.a] }
