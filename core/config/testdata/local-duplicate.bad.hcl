# expect 3 `a` Duplicate local
locals { a = 1 }
locals { a = 2 }
