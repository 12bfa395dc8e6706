# SPDX-License-Identifier: Apache-2.0
# Functions that record what the kernel shows, in the columns that every truth folder of this
# project uses. Sourced by the node makers; the caller has set -euo pipefail and is root.
#
#   host-find.tsv  path type mode uid gid size mtime ctime birth inode links target
#   merged-*.tsv   path type mode uid gid size mtime target
#   host-xattr.tsv path name value-in-hex
#   *.sha256       sha256sum's own format, paths start with ./
#
# Times are seconds with nanoseconds; type is find's %y; mode is octal.

# truth_host FOLDER OUT: every name of one mounted filesystem and the hash of every regular file.
truth_host() {
  find "$1" -xdev -printf '%P\t%y\t%m\t%U\t%G\t%s\t%T@\t%C@\t%B@\t%i\t%n\t%l\n' |
    LC_ALL=C sort > "$2/host-find.tsv"
  truth_hashes "$1" > "$2/host.sha256"
  find "$1" -xdev -printf '%P\0' | LC_ALL=C sort -z | python3 -c '
import os, sys
root = os.fsencode(sys.argv[1])
for name in sys.stdin.buffer.read().split(b"\0"):
    path = os.path.join(root, name)
    for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, attribute, follow_symlinks=False).hex()
        sys.stdout.buffer.write(b"%s\t%s\t%s\n" % (name, attribute.encode(), value.encode()))
' "$1" > "$2/host-xattr.tsv"
}

# truth_hashes FOLDER: hashes without leaving the filesystem, on standard output.
truth_hashes() { (cd "$1" && find . -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum); }

# truth_merged FOLDER OUT ID: a container's root as the kernel has mounted it.
truth_merged() {
  find "$1" -xdev -printf '%P\t%y\t%m\t%U\t%G\t%s\t%T@\t%l\n' | LC_ALL=C sort > "$2/merged-$3.tsv"
  truth_hashes "$1" > "$2/merged-$3.sha256"
}

# partition_bytes DISK NUMBER: "first-byte length-in-bytes" of a GPT partition.
partition_bytes() {
  local first last
  first=$(sgdisk -i "$2" "$1" | sed -n 's/^First sector: \([0-9]*\).*/\1/p')
  last=$(sgdisk -i "$2" "$1" | sed -n 's/^Last sector: \([0-9]*\).*/\1/p')
  echo $((first * 512)) $(((last - first + 1) * 512))
}

# truth_disk DISK NUMBER OUT: mounts a copy of the disk (so that the kernel replays the log there,
# and the evidence stays as it was), records it and throws the copy away. NUMBER 0: no partitions.
truth_disk() (
  set -euo pipefail
  work=$(mktemp -d /var/tmp/truth.XXXXXX)
  loop=
  trap 'umount "$work/mnt" 2>/dev/null || true; [ -z "$loop" ] || losetup -d "$loop"; rm -rf "$work"' EXIT
  cp --sparse=always --reflink=auto "$1" "$work/copy.img"
  offset=0 length=$(stat -c %s "$1")
  [ "$2" = 0 ] || read -r offset length < <(partition_bytes "$1" "$2")
  loop=$(losetup -f --show -o "$offset" --sizelimit "$length" "$work/copy.img")
  mkdir -p "$work/mnt" "$3"
  options=rw
  [ "$(blkid -p -o value -s TYPE "$loop")" != xfs ] || options=rw,nouuid # the original may be mounted
  mount -o "$options" "$loop" "$work/mnt"
  truth_host "$work/mnt" "$3"
)
