# expect 2 `format(` Error in function call
cluster "a" { brokers = [format("%100000s", "x")] }
