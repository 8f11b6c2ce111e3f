# expect 4 `["east:9092"]` Not a cluster
# expect 5 `["west:9092"]` Not a cluster
mirror "m" {
  from   = ["east:9092"]
  to     = ["west:9092"]
  topics = ["t"]
}
