# expect 2 `"localhost:http"` Invalid address
server { listen = "localhost:http" }
