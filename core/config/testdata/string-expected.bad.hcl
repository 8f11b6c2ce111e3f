# expect 4 `["ca.pem"]` Invalid value for tls_ca_file
cluster "a" {
  brokers     = ["a:1"]
  tls_ca_file = ["ca.pem"]
}
