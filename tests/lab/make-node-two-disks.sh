#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two disks of one node: the root disk, whose /etc/containerd/config.toml and /etc/fstab name
# /data/containerd, and a data disk (XFS without a partition table) that holds it. Layers are
# discarded after unpacking, as on EKS, so the content store lacks their blobs.
# Result: $LAB/out/two-disks/{disk,disk-data}.img, truth/ and truth/data/.
set -euo pipefail
. "$(dirname "$0")/node.sh"
. "$(dirname "$0")/containerd2.sh"
lab_enter two-disks
root=$(disk_with_root "$state/disk.img" 310M)
mount_new "$root" xfs "$node"
node_root
truncate -s 310M "$state/disk-data.img"
data=$(losetup -f --show "$state/disk-data.img")
mount_new "$data" xfs "$node/data"
uuid=$(blkid -p -o value -s UUID "$state/disk-data.img")
printf 'UUID=%s /data xfs defaults,noatime 0 2\n' "$uuid" > "$node/etc/fstab"
mkdir -p "$node/etc/containerd"
containerd_config overlayfs true /data/containerd > "$node/etc/containerd/config.toml"
build_layers
node_start
start_containerd /etc/containerd/config.toml /run/containerd/containerd.sock /var/log/containerd.log
import_images --discard-unpacked-layers
run_pods
record_containerd k8s.io /run/containerd/containerd.sock "$out/truth"
record_cri "$out/truth"
cut "$node/data" "$state/disk-data.img"
cut "$node" "$state/disk.img"
truth_disk "$out/disk.img" 1 "$out/truth"
truth_disk "$out/disk-data.img" 0 "$out/truth/data"
