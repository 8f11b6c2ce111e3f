# expect 3 `name` Attribute redefined
name = "x"
name = "y"
