# expect 8 `"zstdd"` Invalid value for compression
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
mirror "m" {
  from        = cluster.a
  to          = cluster.b
  topics      = ["t"]
  compression = "zstdd"
}
