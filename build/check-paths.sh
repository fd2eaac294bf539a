#!/usr/bin/env bash
# Fails when a file of the repository names a folder of the machine it was written on: a person's home, Go's caches
# below root's, the checkout itself. Images under test may have homes of their own: user, app and node.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

git ls-files >/dev/null || exit 1

home='/(home|Users)/[A-Za-z0-9._-]+/|/root/(go|\.cache)/'
fixture='/(home|Users)/(user|app|node)/'
files() { git ls-files -co --exclude-standard -z; }

found=$(files | xargs -0 grep -nIE "$home" -- 2>/dev/null | grep -vE "$fixture")
# A checkout right below the root (/src) would be found in every other path.
checkout=$(pwd -P)
[[ $checkout == /*/* ]] && found+=$(files | xargs -0 grep -nIF "$checkout/" -- 2>/dev/null)

[[ -z $found ]] && exit 0
echo "folders of a developer's machine are named in:"
echo "$found"
exit 1
