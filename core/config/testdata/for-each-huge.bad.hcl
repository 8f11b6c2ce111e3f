# expect 4 `toset(flatten(local.many))` Invalid for_each
locals { many = [for i in range(1000) : [for j in range(11) : "${i}-${j}"]] }
cluster "a" {
  for_each = toset(flatten(local.many))
  brokers  = ["a:1"]
}
