# expect 2 `cluster "a"` Missing brokers
cluster "a" {
}
