# expect 2 `"many"` Invalid value for variable
number = "many"
