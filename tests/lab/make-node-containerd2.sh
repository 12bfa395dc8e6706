#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An EKS node of 2026: containerd 2.2 with its defaults (overlayfs, /var/lib/containerd) on one XFS
# disk, cut off while running. Result: $LAB/out/containerd2/.
set -euo pipefail
. "$(dirname "$0")/node.sh"
. "$(dirname "$0")/containerd2.sh"
lab_enter containerd2
root=$(disk_with_root "$state/disk.img" 310M)
mount_new "$root" xfs "$node"
node_root
mkdir -p "$node/etc/containerd"
containerd_config overlayfs false > "$node/etc/containerd/config.toml"
build_layers
node_start
start_containerd /etc/containerd/config.toml /run/containerd/containerd.sock /var/log/containerd.log
import_images
run_pods
record_containerd k8s.io /run/containerd/containerd.sock "$out/truth"
record_cri "$out/truth"
cut "$node" "$state/disk.img"
truth_disk "$out/disk.img" 1 "$out/truth"
