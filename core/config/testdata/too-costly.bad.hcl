# expect 4 `[for x in local.a : [for y in local.a : [for z in local.a : x]]]` Expression too costly
locals {
  a = range(1000)
  b = [for x in local.a : [for y in local.a : [for z in local.a : x]]]
}
