#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the runtimes that Debian does not have yet into $LAB/bin (default /var/tmp/node-lab/bin) from
# the public Go modules. About ten minutes on two cores.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export LAB=${LAB:-/var/tmp/node-lab} CGO_ENABLED=0 GOFLAGS=-mod=mod GOBIN=$LAB/bin
mkdir -p "$GOBIN"
containerd=${CONTAINERD_VERSION:-v2.2.3}
version=github.com/containerd/containerd/v2/version.Version=$containerd
for c in containerd ctr containerd-shim-runc-v2; do
  go install -trimpath -tags no_btrfs,no_devmapper,no_zfs -ldflags "-s -w -X $version" \
    "github.com/containerd/containerd/v2/cmd/$c@$containerd"
done
go install -trimpath -ldflags '-s -w' sigs.k8s.io/cri-tools/cmd/crictl@v1.34.0
# runc 1.3 as on AL2023 (Docker 29 needs more than Debian 12's 1.1); no seccomp, to need no library.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/runc"
(
  cd "$work/runc"
  go mod init lab.test/runc 2> /dev/null
  go get github.com/opencontainers/runc@v1.3.5
  CGO_ENABLED=1 go build -trimpath -ldflags '-s -w' -o "$GOBIN/runc" github.com/opencontainers/runc
)
# Docker 29 from its module, Docker 20.10 and the client from Debian's package without installing it.
go install -trimpath -tags 'exclude_graphdriver_btrfs exclude_graphdriver_zfs netgo' -ldflags '-s -w' \
  github.com/moby/moby/v2/cmd/dockerd@v2.0.0-beta.24
mv "$GOBIN/dockerd" "$GOBIN/dockerd-29"
(cd "$work" && apt-get download -qq docker.io && dpkg -x docker.io_*.deb debian)
cp "$work/debian/usr/bin/docker" "$GOBIN/docker"
cp "$work/debian/usr/sbin/dockerd" "$GOBIN/dockerd-20.10"
# A writer of bbolt files, for the state of daemons that we do not run.
cp -r "$here/bolt_put" "$work/bolt_put"
(
  cd "$work/bolt_put"
  go mod init lab.test/bolt_put 2> /dev/null
  go get go.etcd.io/bbolt@v1.4.3
  go build -ldflags '-s -w' -o "$GOBIN/bolt-put" .
)
# A shell of 180 KB for the images, so that whole disks stay small enough to commit: Debian's busybox
# source with the few applets the makers use, and musl.
dpkg -s musl-tools > /dev/null 2>&1 || apt-get install -y -qq --no-install-recommends musl-tools
cd "$work"
apt-get source -qq --download-only busybox # needs a deb-src line
dpkg-source --no-check -x busybox_*.dsc source > /dev/null
cd source
make allnoconfig > /dev/null 2>&1
for option in STATIC LFS ASH ASH_ECHO ASH_TEST SH_IS_ASH FEATURE_SH_STANDALONE LONG_OPTS LS FEATURE_LS_FILETYPES \
  FEATURE_LS_TIMESTAMPS CAT CP MKDIR RM MV LN SLEEP ECHO ID HEAD TOUCH CHMOD ENV MKNOD TRUE; do
  sed -i "s/^# CONFIG_$option is not set/CONFIG_$option=y/" .config
done
sed -i 's/^CONFIG_SH_IS_NONE=y/# CONFIG_SH_IS_NONE is not set/' .config
yes '' | make oldconfig > /dev/null 2>&1 || true
make CC=musl-gcc HOSTCC=gcc LDFLAGS=-static > make.log 2>&1 || { tail make.log >&2; exit 1; }
cp busybox "$LAB/bin/busybox-small"
