# SPDX-License-Identifier: Apache-2.0
# What the node makers share: a laboratory that leaves nothing behind, disks, a node's root folder
# with this machine's programs laid over it, tiny images and the cut. Sourced with set -euo pipefail.
#
# LAB (default /var/tmp/node-lab) holds the programs in $LAB/bin and, below $LAB/out/VARIANT, what a
# maker produces: disk*.img and truth/. Needs root on Debian 12 with runc,
# containernetworking-plugins, gdisk, fdisk, xfsprogs, e2fsprogs, gcc, python3, zstd.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LAB=${LAB:-/var/tmp/node-lab}
PATH=$LAB/bin:$PATH
. "$here/truth.sh"

# lab_enter VARIANT: runs the calling script again inside namespaces of its own (mounts, processes,
# network, host name). They end with the script, and with them every daemon, mount and bridge.
lab_enter() {
  variant=$1
  out=$LAB/out/$variant
  if [ -z "${NODE_LAB_INSIDE:-}" ]; then
    rm -rf "$out"
    mkdir -p "$out/truth"
    local status=0
    NODE_LAB_INSIDE=1 unshare -m -n -u -p -f --kill-child --mount-proc "$0" || status=$?
    sleep 1
    find /sys/fs/cgroup -mindepth 2 -depth -type d -path '*/ekshume-lab*' -exec rmdir {} + 2>/dev/null || true
    rm -rf "$LAB/state/$variant"
    exit $status
  fi
  state=$LAB/state/$variant
  node=$state/node run=$state/run
  rm -rf "$state"
  mkdir -p "$node" "$run"
  ip link set lo up
  hostname "${NODE:-ip-192-0-2-23.ec2.example}"
}

# partition DISK: writes the table of standard input. sfdisk ends with sync(), which waits for every
# filesystem of the machine; only this file matters here.
partition() {
  if [ ! -e "$state/nosync.so" ]; then
    echo 'void sync(void) {}' > "$state/nosync.c"
    gcc -shared -fPIC -o "$state/nosync.so" "$state/nosync.c"
  fi
  LD_PRELOAD=$state/nosync.so sfdisk -q "$1"
}

# disk_with_root FILE SIZE: a GPT disk as EC2 images have it; prints the loop device of its root.
disk_with_root() {
  truncate -s "$2" "$1"
  partition "$1" <<'P'
label: gpt
1 : start=4096, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=Linux
128 : start=2048, size=2048, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=EFI-stub
P
  partition_loop "$1" 1
}

# partition_loop DISK NUMBER: prints a loop device; the kernel frees it when its mount goes.
partition_loop() {
  local offset length
  read -r offset length < <(partition_bytes "$1" "$2")
  losetup -f --show -o "$offset" --sizelimit "$length" "$1"
}

# mount_new DEVICE FS FOLDER: makes a filesystem and mounts it.
mount_new() {
  case $2 in
    xfs) mkfs.xfs -q -f -d agcount=2 "$1" ;;
    ext4) mkfs.ext4 -q -F "$1" ;;
  esac
  mkdir -p "$3"
  mount "$1" "$3"
  losetup -d "$1" # from now on freed together with the mount
}

# node_root: the folders of a small node below $node, and its identity.
node_root() {
  local link
  mkdir -p "$node"/{etc/cni/net.d,etc/kubernetes,var/lib,var/log,usr,proc,sys,dev,run,tmp,root,home,opt}
  for link in bin sbin lib lib64; do ln -sfn "usr/$link" "$node/$link"; done
  ln -sfn /run "$node/var/run"
  hostname > "$node/etc/hostname"
  printf '127.0.0.1 localhost %s\n' "$(hostname)" > "$node/etc/hosts"
  : > "$node/etc/resolv.conf"
  printf 'root:x:0:0:root:/root:/bin/bash\nec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n' > "$node/etc/passwd"
  printf 'root:x:0:\nec2-user:x:1000:\n' > "$node/etc/group"
  printf 'ID=amzn\nVERSION_ID="2023"\nPRETTY_NAME="Amazon Linux 2023 (lab)"\n' > "$node/etc/os-release"
  echo '{"cniVersion":"1.0.0","name":"aws-cni","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"ipam":{"type":"host-local","subnet":"192.0.2.128/26"}}]}' \
    > "$node/etc/cni/net.d/10-aws.conflist"
}

# node_start: a process whose root is $node; sets node_pid. inside COMMAND... runs there.
node_start() {
  cat > "$state/enter.sh" <<X
mount --make-rprivate /; mount --rbind $node $node
for k in proc sys dev; do mount --rbind /\$k $node/\$k; done
mount --bind /usr $node/usr; mount --bind $run $node/run; mount -t tmpfs tmpfs $node/tmp
mkdir -p $node/run/programs; mount --bind $LAB/bin $node/run/programs
cd $node; pivot_root . tmp; umount -l /tmp; mount -t tmpfs tmpfs /tmp 2>/dev/null
[ -d /etc/alternatives ] || { mkdir -p /run/alternatives; cp -a $state/alternatives/. /run/alternatives/; }
echo ready > /run/ready; exec sleep 1000000
X
  mkdir -p "$state/alternatives"
  cp -a /etc/alternatives/*tables* "$state/alternatives/" 2>/dev/null || true
  unshare -m bash "$state/enter.sh" > "$state/enter.log" 2>&1 < /dev/null &
  node_pid=$!
  local try
  for try in $(seq 50); do [ -e "$run/ready" ] && return; sleep 0.1; done
  cat "$state/enter.log" >&2
  return 1
}
inside() { nsenter -t "$node_pid" -m -r -w env PATH=/run/programs:/usr/sbin:/usr/bin "$@"; }

# images: builds the layers (a shell, a shop, a program that waits) below $state/layers.
build_layers() {
  local layers=$state/layers applet
  mkdir -p "$layers"/{base/{bin,etc,tmp,root,usr/bin},shop/{app,srv/www,usr/bin,usr/share/nginx/html,var/cache},pause}
  cp "$LAB/bin/busybox-small" "$layers/base/bin/busybox"
  for applet in sh ls cat cp mkdir rm mv ln sleep echo id head touch chmod env; do
    ln -sf busybox "$layers/base/bin/$applet"
  done
  echo 'root:x:0:0:root:/root:/bin/sh' > "$layers/base/etc/passwd"
  printf '#!/bin/sh\necho shop 2.3.1 ready\nexec sleep 86400\n' > "$layers/shop/app/run.sh"
  chmod 755 "$layers/shop/app/run.sh"
  echo '<h1>Acme web shop</h1>' > "$layers/shop/srv/www/index.html"
  echo '#!/bin/sh' > "$layers/shop/usr/bin/curl"
  echo 'worker_processes 1;' > "$layers/shop/usr/share/nginx/nginx.conf"
  echo '<p>about</p>' > "$layers/shop/usr/share/nginx/html/about.html"
  cat > "$state/pause.c" <<'C'
__asm__(".globl _start\n_start: mov $34, %eax\n syscall\n jmp _start\n");
C
  gcc -Os -s -static -nostdlib -no-pie -Wl,--build-id=none "$state/pause.c" -o "$layers/pause/pause"
}

# attack_commands: what is done by exec in the shop container, for a shell's standard input.
attack_commands() {
  cat <<'S'
mkdir -p /tmp/.X11-unix
echo 'stratum+tcp://pool.miner.test:3333' > /tmp/.X11-unix/kdevtmpfsi
chmod 755 /tmp/.X11-unix/kdevtmpfsi
echo '/tmp/.X11-unix/kdevtmpfsi &' >> /app/run.sh
rm /usr/bin/curl
rm -rf /usr/share/nginx
mkdir -p /usr/share/nginx/html
echo '<h1>changed</h1>' > /usr/share/nginx/html/index.html
mv /srv/www /srv/old
cp /bin/busybox /usr/bin/.dbus
chmod 4755 /usr/bin/.dbus
echo 'rm /usr/bin/curl' > /root/.bash_history
S
}

# cut FOLDER DISK...: flush the log and not the metadata, as a crash leaves it, then keep the disks.
cut() {
  local folder=$1 disk
  shift
  sync -f "$folder"
  xfs_io -x -c 'shutdown -f' "$folder"
  for disk in "$@"; do
    cp --sparse=always "$disk" "$out/$(basename "$disk")"
    (cd "$out" && sha256sum "$(basename "$disk")") >> "$out/truth/image.sha256"
  done
}
