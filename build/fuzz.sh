#!/usr/bin/env bash
# Runs every fuzz target of the packages, one after the other, for the given time each.
# usage: build/fuzz.sh TIME PACKAGE…
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
time=$1
shift

status=0 count=0
for package in $(go list "$@"); do
  targets=$(go test -run '^$' -list '^Fuzz' "$package") || { echo "$targets"; status=1; continue; }
  for target in $(grep '^Fuzz' <<<"$targets"); do
    echo "== $package $target"
    count=$((count + 1))
    # Shortening inputs that are merely new would take most of the time.
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "$package" || status=1
  done
done
echo "$count fuzz targets"
exit $status
