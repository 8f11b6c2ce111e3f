# expect 3 `defualt` Unsupported argument
variable "n" {
  defualt = 1
}
