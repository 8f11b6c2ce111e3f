# expect 2 `"DR"` Invalid value for variable
name = "DR"
