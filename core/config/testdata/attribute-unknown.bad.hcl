# expect 4 `brokrs` Unsupported argument
cluster "a" {
  brokers = ["a:1"]
  brokrs  = ["b:1"]
}
