#!/usr/bin/env bash
# Makes the images that `make bench` measures, in the local Docker engine and without an image registry:
#   bench/small:1   Debian 12 as debootstrap makes it, about 200 MB
#   bench/mid:1     the same with Python, Ruby and Java packages, an npm tree of more than a thousand packages and a Go
#                   program (this one), about 1 GB
# Images that exist are left as they are. Needs root, debootstrap, docker, npm and go, and the network.
# usage: build/bench/images.sh small|mid
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
work=${BENCH_WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll/bench}
small=${BENCH_SMALL:-bench/small:1} mid=${BENCH_MID:-bench/mid:1}
export DOCKER_BUILDKIT=0

exists() { docker image inspect "$1" >/dev/null 2>&1; }

make_small() {
  exists "$small" && return
  if [[ ! -e $work/debian/done ]]; then
    rm -rf "$work/debian"
    debootstrap --variant=minbase bookworm "$work/debian/root"
    touch "$work/debian/done"
  fi
  tar -C "$work/debian/root" -c . | docker import - "$small"
}

make_mid() {
  make_small
  exists "$mid" && return
  local context=$work/mid
  mkdir -p "$context/app" "$context/bin"
  cat >"$context/app/package.json" <<'JSON'
{
  "name": "bench", "version": "1.0.0", "private": true, "license": "Apache-2.0",
  "dependencies": {
    "react-scripts": "5.0.1", "react": "18.2.0", "react-dom": "18.2.0", "express": "4.18.2", "lodash": "4.17.20",
    "minimist": "1.2.5", "ws": "8.16.0", "jsonwebtoken": "8.5.1", "moment": "2.29.3", "marked": "4.0.9", "tar": "6.1.10"
  }
}
JSON
  (cd "$context/app" && npm install --ignore-scripts --no-audit --no-fund --legacy-peer-deps --loglevel=error)
  (cd "$repository" && CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -o "$context/bin/plimsoll" .)
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $small
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y --no-install-recommends \
    python3-django python3-flask python3-requests python3-cryptography python3-lxml python3-numpy python3-sqlalchemy \
    && rm -rf /var/lib/apt/lists/*
RUN apt-get update && apt-get install -y --no-install-recommends \
    ruby ruby-rack ruby-sinatra openjdk-17-jre-headless liblog4j2-java libjackson2-databind-java libguava-java curl nginx-light \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY app/package.json app/package-lock.json /app/
COPY app/node_modules /app/node_modules
COPY bin/ /usr/local/bin/
CMD ["/usr/local/bin/plimsoll", "version"]
DOCKERFILE
  docker build --network host -t "$mid" "$context"
}

mkdir -p "$work"
case ${1:-} in
small) make_small ;;
mid) make_mid ;;
*)
  sed -n '2,8s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -E "^($small|$mid) "
