# expect 2 `1e5000` Value too large
locals { a = 1e5000 }
