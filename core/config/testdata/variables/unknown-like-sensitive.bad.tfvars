# expect 2 hidden Unknown variable
secert = "hunter2-canary"
