# expect 2 `"localhost"` Invalid address
server { listen = "localhost" }
