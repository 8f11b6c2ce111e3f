# expect 3 hidden Invalid function argument
locals {
  n = tonumber(sensitive("hunter2-canary"))
}
