# expect 2 `upper("x")` Function calls not allowed
name = upper("x")
