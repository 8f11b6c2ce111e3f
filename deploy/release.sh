#!/bin/sh
# `make release`: one archive per platform, and SHA256SUMS. The same commit and
# the same Go give the same bytes, wherever and whenever they are built.
set -eu
umask 022

fail() {
	echo "release: $1" >&2
	exit 2
}

number='(0|[1-9][0-9]*)'
identifier="($number|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
if ! printf '%s\n' "$VERSION" | grep -Eqx "v$number\.$number\.$number(-$identifier(\.$identifier)*)?"; then
	fail "VERSION is '$VERSION'; say which one it is: make release VERSION=v1.2.3 (or v1.2.3-rc.1)"
fi
tar --version 2>/dev/null | grep -q GNU || fail 'needs GNU tar; on macOS put the gnubin directory of gnu-tar first in PATH'
if command -v sha256sum >/dev/null; then checksum=sha256sum; else checksum='shasum -a 256'; fi

# What the surroundings say about a platform must not change the others.
unset GOOS GOARCH GOARM64 GOAMD64 GOEXPERIMENT
version=${VERSION#v}
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM

mkdir -p "$DIST"
rm -f "$DIST"/klamm_*.tar.gz "$DIST/SHA256SUMS"

mkdir "$stage/completions"
make --no-print-directory build BIN="$stage/klamm"
for shell in bash zsh fish; do
	"$stage/klamm" completion "$shell" >"$stage/completions/klamm.$shell"
done

for platform in $PLATFORMS; do
	os=${platform%/*}
	arch=${platform#*/}
	name="klamm_${version}_${os}_${arch}"
	mkdir "$stage/$name"
	GOOS=$os GOARCH=$arch make --no-print-directory build BIN="$stage/$name/klamm"
	mkdir "$stage/$name/deploy"
	cp LICENSE NOTICE README.md "$stage/$name"
	cp deploy/klamm.service deploy/kubernetes.yaml "$stage/$name/deploy"
	cp -R "$stage/completions" "$stage/$name"
	tar --create --file="$DIST/$name.tar" --directory "$stage" --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" \
		--owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$name"
	gzip -9nf "$DIST/$name.tar"
done
cd "$DIST"
$checksum klamm_*.tar.gz >SHA256SUMS
cat SHA256SUMS
