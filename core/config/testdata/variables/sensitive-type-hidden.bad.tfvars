# expect 2 hidden Invalid value for variable
secret = ["hunter2-canary"]
