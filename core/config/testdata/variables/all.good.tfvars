# Values of every kind; the last line is for a sensitive variable.
name    = "dr"
number = 3
enabled = true
list    = ["a", "b"]
map     = { a = "1", "b" = 2 }
object  = { host = "a", port = 9092 }
nothing = null
secret  = "hunter2-canary"
