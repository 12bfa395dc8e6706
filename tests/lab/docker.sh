# SPDX-License-Identifier: Apache-2.0
# Docker for the node makers: start it, run containers, record what it says. Needs docker,
# dockerd-20.10 and dockerd-29 in $LAB/bin (build-programs.sh). Sourced after node.sh.
registry=123456789012.dkr.ecr.us-east-1.amazonaws.com/acme

# start_docker DAEMON PATH: the daemon's program and where it and containerd look for others; containerd
# keeps /var/lib/containerd, as packages set it up.
start_docker() {
  local seccomp=
  [ "$1" = dockerd-20.10 ] || seccomp=', "seccomp-profile": "unconfined"' # our runc is built without it
  local programs=(env "PATH=$2" DOCKER_MIN_API_VERSION=1.24)
  mkdir -p "$node/etc/containerd" "$node/etc/docker" "$node/var/lib/docker"
  printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]\n' > "$node/etc/containerd/config.toml"
  inside "${programs[@]}" containerd --config /etc/containerd/config.toml > "$node/var/log/containerd.log" 2>&1 < /dev/null &
  local try
  for try in $(seq 100); do [ -S "$run/containerd/containerd.sock" ] && break; sleep 0.2; done
  cat > "$node/etc/docker/daemon.json" <<J
{"data-root": "/var/lib/docker", "log-driver": "json-file", "log-opts": {"max-size": "10m"}, "iptables": false,
 "ip6tables": false, "userland-proxy": false, "bip": "192.0.2.129/26", "cgroup-parent": "/ekshume-lab"$seccomp}
J
  inside "${programs[@]}" "/run/programs/$1" --containerd /run/containerd/containerd.sock > "$node/var/log/docker.log" 2>&1 < /dev/null &
  for try in $(seq 150); do
    docker version > /dev/null 2>&1 && return
    sleep 0.2
  done
  tail -n 5 "$node/var/log/containerd.log" "$node/var/log/docker.log" >&2
  return 1
}
docker() { "$LAB/bin/docker" -H "unix://$run/docker.sock" "$@"; }

load_images() {
  local layers=$state/layers
  python3 "$here/make_image.py" --docker "$registry/webshop:2.3.1" "$state/shop.tar" /app/run.sh "$layers/base" "$layers/shop"
  python3 "$here/make_image.py" --docker registry.test/busybox:1 "$state/base.tar" /bin/sh "$layers/base"
  docker load -q -i "$state/base.tar" > /dev/null
  docker load -q -i "$state/shop.tar" > /dev/null
}

# record_docker TRUTH: docker's own words, its export of each container, the roots of running ones.
record_docker() {
  local id root unpacked
  inside cat /proc/mounts | grep overlay > "$1/overlay-mounts.txt" || true
  docker version -f '{{json .Server}}' > "$1/docker-version.json"
  docker info -f '{{json .}}' > "$1/docker-info.json"
  docker ps -a --no-trunc --format '{{json .}}' > "$1/docker-ps.jsonl"
  docker images --no-trunc --format '{{json .}}' > "$1/docker-images.jsonl"
  docker volume ls --format '{{json .}}' > "$1/docker-volumes.jsonl"
  for id in $(docker ps -a -q --no-trunc); do
    docker inspect "$id" > "$1/inspect-$id.json"
    docker diff "$id" > "$1/diff-$id.txt" || true
    docker export "$id" > "$state/export.tar" || continue
    tar -tvf "$state/export.tar" --full-time --numeric-owner > "$1/export-$id.lst"
    unpacked=$(mktemp -d "$state/export.XXXXXX")
    tar -xf "$state/export.tar" -C "$unpacked"
    (cd "$unpacked" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum) > "$1/export-$id.sha256"
    rm -rf "$unpacked"
    for root in "var/lib/docker/rootfs/overlayfs/$id" \
      "$(docker inspect -f '{{with .GraphDriver.Data}}{{.MergedDir}}{{end}}' "$id" 2>/dev/null)"; do
      [ -n "$root" ] && inside mountpoint -q "/${root#/}" || continue
      truth_merged "/proc/$node_pid/root/${root#/}" "$1" "$id"
    done
  done
}
