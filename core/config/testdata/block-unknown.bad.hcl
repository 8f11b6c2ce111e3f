# expect 2 `pipline` Unsupported block type
pipline "p" {
}
