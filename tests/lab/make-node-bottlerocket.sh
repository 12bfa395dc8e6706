#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The data disk of a Bottlerocket node: GPT with Bottlerocket's type GUID and preferred partition GUID,
# one XFS volume whose folders var/ opt/ mnt/ are mounted over the (read-only, elsewhere) root. Two
# containerds keep their stores on it: var/lib/containerd for Kubernetes and var/lib/host-containerd for
# host containers. No /etc: that is memory. Result: $LAB/out/bottlerocket/.
set -euo pipefail
. "$(dirname "$0")/node.sh"
. "$(dirname "$0")/containerd2.sh"
lab_enter bottlerocket
truncate -s 310M "$state/disk-data.img"
partition "$state/disk-data.img" <<'P'
label: gpt
1 : start=2048, type=626f7474-6c65-6474-6861-726d61726b73, uuid=5b94e8df-28b8-485c-9d19-362263b5944c, name=BOTTLEROCKET-DATA
P
mount -t tmpfs tmpfs "$node" # stands for the read-only root
mount_new "$(partition_loop "$state/disk-data.img" 1)" xfs "$node/local"
for folder in var opt mnt; do
  mkdir -p "$node/local/$folder" "$node/$folder"
  mount --bind "$node/local/$folder" "$node/$folder"
done
node_root
printf 'ID=bottlerocket\nVERSION_ID=1.50.0\n' > "$node/etc/os-release"
mkdir -p "$node/etc/containerd" "$node/etc/host-containerd"
containerd_config overlayfs true > "$node/etc/containerd/config.toml"
cat > "$node/etc/host-containerd/config.toml" <<'C'
version = 3
root = "/var/lib/host-containerd"
state = "/run/host-containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "/run/host-containerd/containerd.sock"
C
build_layers
node_start
start_containerd /etc/containerd/config.toml /run/containerd/containerd.sock /var/log/containerd.log
import_images --discard-unpacked-layers
start_containerd /etc/host-containerd/config.toml /run/host-containerd/containerd.sock /var/log/host-containerd.log
host_ctr() { ctr -a "$run/host-containerd/containerd.sock" "$@"; }
host_ctr images import --local "$state/base.tar" > /dev/null
for name in admin control; do
  inside ctr -a /run/host-containerd/containerd.sock run -d --cgroup "/ekshume-lab/$name" \
    --label "host-container=$name" registry.test/busybox:1 "$name" sh -c 'echo ready; sleep 86400'
done
inside ctr -a /run/host-containerd/containerd.sock tasks exec --exec-id one admin sh -c 'mkdir -p /root/.ssh; echo ssh-ed25519 EXAMPLE ops@attacker.test > /root/.ssh/authorized_keys; rm /bin/env' < /dev/null
run_pods
record_containerd k8s.io /run/containerd/containerd.sock "$out/truth"
record_containerd default /run/host-containerd/containerd.sock "$out/truth/host-containers" host-containerd
record_cri "$out/truth"
cut "$node/local" "$state/disk-data.img"
truth_disk "$out/disk-data.img" 1 "$out/truth"
