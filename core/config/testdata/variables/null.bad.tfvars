# expect 2 `null` Variable is null
enabled = null
