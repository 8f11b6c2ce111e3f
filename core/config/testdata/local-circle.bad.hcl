# expect 5 `local.a` Reference in a circle
locals {
  a = local.b
  b = "${local.c}x"
  c = local.a
}
