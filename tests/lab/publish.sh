#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Takes what a maker left in $LAB/out/VARIANT into tests/data/nodes/VARIANT (disks packed with plain
# zstd -19, truth as it is) and writes its rows of tests/data/MANIFEST anew.
#
#   publish.sh VARIANT...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
LAB=${LAB:-/var/tmp/node-lab}
data=$here/../data
for variant in "$@"; do
  to=$data/nodes/$variant
  rm -rf "$to"
  mkdir -p "$to"
  cp -r "$LAB/out/$variant/truth" "$to/truth"
  for disk in "$LAB/out/$variant"/disk*.img; do
    zstd -q -19 --no-progress "$disk" -o "$to/$(basename "$disk").zst"
  done
  rows=$(mktemp)
  (
    cd "$data"
    grep -v "^nodes/$variant/" MANIFEST || true
    find "nodes/$variant" -type f | LC_ALL=C sort | while read -r file; do
      case $file in
        *.zst) origin="disk of the node that make-node-$variant.sh runs, cut off while running" ;;
        *) origin="what the runtime and the kernel printed about the node" ;;
      esac
      printf '%s\t%s\t%s\t%s\t%s\n' "$file" "$(sha256sum < "$file" | cut -d' ' -f1)" "$(stat -c %s "$file")" \
        "$origin" "tests/lab/make-node-$variant.sh"
    done
  ) > "$rows"
  cat "$rows" > "$data/MANIFEST"
  rm "$rows"
done
