# expect 4 `"client.pem"` Half a client certificate
cluster "a" {
  brokers       = ["a:1"]
  tls_cert_file = "client.pem"
}
