# expect 2 `plugin` Unsupported block type
plugin "geoip" {
  source = "ghcr.io/acme/geoip"
}
