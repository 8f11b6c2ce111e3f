# expect 7 `var.y` Unknown variable
# expect 10 `"perhaps"` Invalid value for tls
# expect 13 `cluster.aa` Unknown cluster
# expect 15 `{}` Invalid value for topics
# expect 16 `topic` Unsupported argument
variable "x" { default = [1] }
cluster "a" { brokers = var.y }
cluster "b" {
  brokers = ["b:1"]
  tls     = "perhaps"
}
mirror "m" {
  from   = cluster.aa
  to     = cluster.b
  topics = ["ok", {}]
  topic  = ["t"]
}
