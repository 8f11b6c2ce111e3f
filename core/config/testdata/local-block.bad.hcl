# expect 3 `inner` Unexpected "inner" block
locals {
  inner {}
}
