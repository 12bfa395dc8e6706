#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containerd 2.2 with the native snapshotter (each snapshot is a full copy, no overlay, no whiteouts)
# on ext4, cut off while running. Result: $LAB/out/native/.
set -euo pipefail
. "$(dirname "$0")/node.sh"
. "$(dirname "$0")/containerd2.sh"
lab_enter native
snapshotter=native
root=$(disk_with_root "$state/disk.img" 128M)
mount_new "$root" ext4 "$node"
node_root
mkdir -p "$node/etc/containerd"
containerd_config native false > "$node/etc/containerd/config.toml"
build_layers
node_start
start_containerd /etc/containerd/config.toml /run/containerd/containerd.sock /var/log/containerd.log
import_images --snapshotter native
run_pods
record_containerd k8s.io /run/containerd/containerd.sock "$out/truth"
record_cri "$out/truth"
cut "$node" "$state/disk.img"
truth_disk "$out/disk.img" 1 "$out/truth"
