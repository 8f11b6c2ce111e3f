# expect 2 hidden Invalid expression
secret = "hunter2-canary" +
