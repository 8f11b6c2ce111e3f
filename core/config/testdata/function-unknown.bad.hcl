# expect 2 `splitt` Call to unknown function
cluster "a" { brokers = splitt(",", "a,b") }
