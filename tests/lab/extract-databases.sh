#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Takes containerd's two databases out of tests/data/nodes/containerd2 into tests/data/runtime/containerd2,
# for tests of the bolt reader alone. Needs root: the kernel mounts a copy and replays its log.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/truth.sh"
data=$here/../data
work=$(mktemp -d /var/tmp/extract.XXXXXX)
loop=
trap 'umount "$work/mnt" 2>/dev/null || true; [ -z "$loop" ] || losetup -d "$loop"; rm -rf "$work"' EXIT
zstd -q -d "$data/nodes/containerd2/disk.img.zst" -o "$work/disk.img"
read -r offset length < <(partition_bytes "$work/disk.img" 1)
loop=$(losetup -f --show -o "$offset" --sizelimit "$length" "$work/disk.img")
mkdir -p "$work/mnt" "$data/runtime/containerd2"
mount -o nouuid "$loop" "$work/mnt"
for file in io.containerd.metadata.v1.bolt/meta.db io.containerd.snapshotter.v1.overlayfs/metadata.db; do
  zstd -q -19 -f "$work/mnt/var/lib/containerd/$file" -o "$data/runtime/containerd2/$(basename "$file").zst"
done
