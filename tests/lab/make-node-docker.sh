#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A plain Docker 20.10 host (overlay2 graph driver) on ext4, cut off while running: an attacked web
# shop with a volume, a container that exited with 3, one never started, one stopped, one removed.
# Result: $LAB/out/docker/.
#
# make-node-docker29.sh is a link to this script: Docker 29 with its default, the containerd image
# store, on XFS. Result: $LAB/out/docker29/.
set -euo pipefail
. "$(dirname "$0")/node.sh"
. "$(dirname "$0")/docker.sh"
case $(basename "$0") in
  *29.sh) variant=docker29 daemon=dockerd-29 programs=/run/programs:/usr/sbin:/usr/bin filesystem=xfs size=310M ;;
  *) variant=docker daemon=dockerd-20.10 programs=/usr/sbin:/usr/bin filesystem=ext4 size=128M ;;
esac
lab_enter $variant
mount_new "$(disk_with_root "$state/disk.img" $size)" $filesystem "$node"
node_root
build_layers
node_start
start_docker $daemon $programs
load_images
docker volume create shop-data > /dev/null
docker run -d --name webshop --hostname webshop --restart unless-stopped -e DB_HOST=db.shop.example \
  -e DB_PASSWORD=not-a-real-password -v shop-data:/data -v /var/log:/host-log:ro --label team=storefront \
  "$registry/webshop:2.3.1" > /dev/null
docker run -d --name cache --network none registry.test/busybox:1 -c 'echo warm; sleep 86400' > /dev/null
docker run --name report registry.test/busybox:1 -c 'echo no database >&2; exit 3' > /dev/null 2>&1 || true
docker create --name warmup registry.test/busybox:1 -c 'sleep 60' > /dev/null
docker run -d --name batch registry.test/busybox:1 -c 'echo done > /root/result; sleep 600' > /dev/null
sleep 1
docker stop -t 1 batch > /dev/null
docker run -d --name recon registry.test/busybox:1 -c 'id; echo 203.0.113.66 > /tmp/target; sleep 600' > "$out/truth/removed-container.txt"
sleep 1
docker rm -f recon > /dev/null
attack_commands | docker exec -i webshop sh -s
docker exec webshop sh -c 'echo customers 4711 > /data/.export.csv'
record_docker "$out/truth"
if [ $variant = docker29 ]; then
  for kind in containers images content leases tasks; do
    ctr -a "$run/containerd/containerd.sock" -n moby $kind ls > "$out/truth/ctr-$kind.txt"
  done
  ctr -a "$run/containerd/containerd.sock" -n moby snapshots ls > "$out/truth/ctr-snapshots.txt"
fi
cut "$node" "$state/disk.img"
truth_disk "$out/disk.img" 1 "$out/truth"
