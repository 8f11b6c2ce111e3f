# expect 2 `strng` Invalid type specification
variable "n" { type = strng }
