# expect 2 `nmae` Unknown variable
nmae = "x"
