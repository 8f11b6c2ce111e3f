# expect 2 `name` Unexpected "name" block
name {}
