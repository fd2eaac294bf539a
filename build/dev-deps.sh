#!/usr/bin/env bash
# Installs what the tests and the build need on Debian and Ubuntu, with apt, as root. Quick when all is there.
# Go itself is not installed: go.mod says which version is needed.
# usage: build/dev-deps.sh
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin # where a user who is not root may not look

# command → package that brings it. Since Debian 13 the engine's client is a package of its own.
missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need gcc gcc
need make make
need git git
need npm npm
need debootstrap debootstrap
need iptables iptables
need dockerd docker.io
[[ -e /usr/include/stdlib.h ]] || missing+=(libc6-dev)
[[ -e /etc/ssl/certs/ca-certificates.crt ]] || missing+=(ca-certificates)
if command -v dockerd >/dev/null 2>&1; then need docker docker-cli; fi

[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "dev-deps: this machine has no apt-get; install by hand what brings: ${missing[*]}" >&2
  exit 1
fi
if [[ $EUID -ne 0 ]]; then
  echo "dev-deps: missing: ${missing[*]}; run \`sudo build/dev-deps.sh\` to install them" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends "$@" >&2; }
echo "dev-deps: installing ${missing[*]}" >&2
apt-get update -qq >&2
install "${missing[@]}"
command -v docker >/dev/null 2>&1 || install docker-cli
