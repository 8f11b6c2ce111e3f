# expect 2 `source` Unsupported block type
source "kafka" {
}
