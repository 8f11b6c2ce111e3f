# expect 6 hidden Empty token
cluster "a" { brokers = ["a:1"] }
cluster "b" { brokers = ["b:1"] }
server {
  listen = "127.0.0.1:9644"
  token  = ""
}
