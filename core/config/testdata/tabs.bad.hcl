# expect 3 `{}` Invalid value for brokers
cluster "a" {
	brokers	=	["a:1",	{}]
}
