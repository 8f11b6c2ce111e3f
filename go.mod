module github.com/klamm-io/klamm

go 1.26
