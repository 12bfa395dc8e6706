# SPDX-License-Identifier: Apache-2.0
# containerd 2.x with CRI for the node makers: start it, run the same pods as a kubelet would, record
# what it says. Needs containerd, ctr, containerd-shim-runc-v2 and crictl in $LAB/bin:
# build-programs.sh puts them there. Sourced after node.sh.
uid_shop=3f6f1c52-0d57-4f0e-9c1b-6f4f0e7a1001
uid_agent=3f6f1c52-0d57-4f0e-9c1b-6f4f0e7a1002
uid_done=3f6f1c52-0d57-4f0e-9c1b-6f4f0e7a1003
uid_gone=3f6f1c52-0d57-4f0e-9c1b-6f4f0e7a1004
registry=123456789012.dkr.ecr.us-east-1.amazonaws.com/acme

# containerd_config SNAPSHOTTER DISCARD [ROOT]: on standard output, version 3 as 2.x writes it.
containerd_config() {
  cat <<C
version = 3
root = "${3:-/var/lib/containerd}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "$1"
discard_unpacked_layers = $2
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "registry.k8s.io/pause:3.10"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "/etc/cni/net.d"
C
}

# start_containerd CONFIG SOCKET LOG: paths as the node sees them; waits until it answers.
start_containerd() {
  inside containerd --config "$1" > "$node$3" 2>&1 < /dev/null &
  local try
  for try in $(seq 100); do
    ctr -a "$run${2#/run}" version > /dev/null 2>&1 && return
    sleep 0.2
  done
  tail -5 "$node$3" >&2
  return 1
}
k8s_ctr() { ctr -a "$run/containerd/containerd.sock" -n k8s.io "$@"; }
cri() {
  [ -e "$state/crictl.yaml" ] ||
    printf 'runtime-endpoint: unix://%s\ntimeout: 60\n' "$run/containerd/containerd.sock" > "$state/crictl.yaml"
  crictl -c "$state/crictl.yaml" "$@"
}

# import_images [CTR IMPORT OPTIONS...]
import_images() {
  local layers=$state/layers
  python3 "$here/make_image.py" "$registry/webshop:2.3.1" "$state/shop.tar" /app/run.sh "$layers/base" "$layers/shop"
  python3 "$here/make_image.py" registry.test/busybox:1 "$state/base.tar" /bin/sh "$layers/base"
  python3 "$here/make_image.py" registry.k8s.io/pause:3.10 "$state/pause.tar" /pause "$layers/pause"
  local name
  for name in pause base shop; do k8s_ctr images import --local "$@" "$state/$name.tar" > /dev/null; done
  k8s_ctr images label registry.k8s.io/pause:3.10 io.cri-containerd.pinned=pinned > /dev/null
}

# sandbox NAMESPACE NAME UID NETWORK(0 pod, 2 node): runs a pod's sandbox; prints its id.
sandbox() {
  local logs=/var/log/pods/$1_$2_$3
  mkdir -p "$node$logs" "$node/var/lib/kubelet/pods/$3"/{containers,volumes/kubernetes.io~empty-dir/cache,plugins}
  printf '# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n' > "$node/var/lib/kubelet/pods/$3/etc-hosts"
  local hostname=$2
  [ "$4" = 0 ] || hostname= # the node's own name
  cat > "$state/pod-$2.json" <<J
{"metadata": {"name": "$2", "namespace": "$1", "uid": "$3", "attempt": 0}, "hostname": "$hostname", "log_directory": "$logs",
 "labels": {"app": "${2%%-*}", "io.kubernetes.pod.name": "$2", "io.kubernetes.pod.namespace": "$1", "io.kubernetes.pod.uid": "$3"},
 "annotations": {"kubernetes.io/config.seen": "2026-03-02T09:00:01.000000000Z", "kubernetes.io/config.source": "api", "prometheus.io/scrape": "true"},
 "linux": {"cgroup_parent": "/ekshume-lab/pod$3", "security_context": {"namespace_options": {"network": $4, "pid": 1}}}}
J
  cri runp "$state/pod-$2.json"
}

# container SANDBOX POD UID NAME IMAGE COMMAND...: creates a container of a pod; prints its id.
container() {
  local sandbox=$1 pod=$2 uid=$3 name=$4 image=$5
  shift 5
  local command id logs
  command=$(printf '%s\n' "$@" | python3 -c 'import json,sys; print(json.dumps(sys.stdin.read().splitlines()))')
  mkdir -p "$node/var/lib/kubelet/pods/$uid/containers/$name"
  : > "$node/var/lib/kubelet/pods/$uid/containers/$name/5f0c9e2a"
  cat > "$state/container.json" <<J
{"metadata": {"name": "$name", "attempt": 0}, "image": {"image": "$image"}, "command": $command, "working_dir": "/",
 "log_path": "$name/0.log",
 "envs": [{"key": "DB_HOST", "value": "db.shop.example"}, {"key": "DB_PASSWORD", "value": "not-a-real-password"},
          {"key": "AWS_ROLE_ARN", "value": "arn:aws:iam::123456789012:role/webshop"}],
 "mounts": [{"container_path": "/etc/hosts", "host_path": "/var/lib/kubelet/pods/$uid/etc-hosts"},
            {"container_path": "/var/cache", "host_path": "/var/lib/kubelet/pods/$uid/volumes/kubernetes.io~empty-dir/cache"},
            {"container_path": "/dev/termination-log", "host_path": "/var/lib/kubelet/pods/$uid/containers/$name/5f0c9e2a"}],
 "labels": {"io.kubernetes.container.name": "$name", "io.kubernetes.pod.name": "$pod",
            "io.kubernetes.pod.namespace": "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["metadata"]["namespace"])' "$state/pod-$pod.json")",
            "io.kubernetes.pod.uid": "$uid"},
 "annotations": {"io.kubernetes.container.hash": "5d1c0e11", "io.kubernetes.container.restartCount": "0",
                 "io.kubernetes.container.terminationMessagePath": "/dev/termination-log",
                 "io.kubernetes.container.terminationMessagePolicy": "File", "io.kubernetes.pod.terminationGracePeriod": "30"},
 "linux": {"resources": {"cpu_shares": 102, "memory_limit_in_bytes": 67108864}, "security_context": {"namespace_options": {"pid": 1}}}}
J
  id=$(cri create --no-pull "$sandbox" "$state/container.json" "$state/pod-$pod.json")
  logs=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["log_directory"])' "$state/pod-$pod.json")
  mkdir -p "$node/var/log/containers" "$node$logs/$name"
  ln -s "$logs/$name/0.log" "$node/var/log/containers/${pod}_$(basename "$logs" | sed 's/_.*//')_$name-$id.log"
  echo "$id"
}

# run_pods: one pod with a running and attacked container, a running one, one that exited with 3, one
# never started and one removed; a pod in the node's network; a stopped pod; a removed pod.
run_pods() {
  local pod id
  pod=$(sandbox shop webshop-6f964c6bc6-vn4z9 $uid_shop 0)
  shop=$(container "$pod" webshop-6f964c6bc6-vn4z9 $uid_shop web "$registry/webshop:2.3.1" /app/run.sh)
  cri start "$shop" > /dev/null
  id=$(container "$pod" webshop-6f964c6bc6-vn4z9 $uid_shop log-shipper registry.test/busybox:1 sleep 86400)
  cri start "$id" > /dev/null
  id=$(container "$pod" webshop-6f964c6bc6-vn4z9 $uid_shop report registry.test/busybox:1 sh -c 'echo no database; exit 3')
  cri start "$id" > /dev/null
  container "$pod" webshop-6f964c6bc6-vn4z9 $uid_shop warmup registry.test/busybox:1 sleep 60 > "$out/truth/created-not-started.txt"
  removed=$(container "$pod" webshop-6f964c6bc6-vn4z9 $uid_shop migrate registry.test/busybox:1 sh -c 'echo > /root/migrated; exit 0')
  cri start "$removed" > /dev/null
  sleep 1
  cri rm "$removed" > /dev/null
  echo "$removed" > "$out/truth/removed-container.txt"
  pod=$(sandbox kube-system node-agent-7xk2p $uid_agent 2)
  id=$(container "$pod" node-agent-7xk2p $uid_agent agent registry.test/busybox:1 sleep 86400)
  cri start "$id" > /dev/null
  pod=$(sandbox default batch-0 $uid_done 0)
  id=$(container "$pod" batch-0 $uid_done batch registry.test/busybox:1 sh -c 'echo done > /root/result')
  cri start "$id" > /dev/null
  sleep 1
  cri stopp "$pod" > /dev/null
  pod=$(sandbox default recon $uid_gone 0)
  id=$(container "$pod" recon $uid_gone recon registry.test/busybox:1 sh -c 'id; echo 203.0.113.66 > /tmp/target; sleep 600')
  cri start "$id" > /dev/null
  sleep 1
  cri rmp -f "$pod" > /dev/null
  echo "$pod $id" > "$out/truth/removed-pod.txt"
  attack_commands | cri exec -i "$shop" sh -s
}

# record_containerd NAMESPACE SOCKET TRUTH: containerd's lists, its records, each mounted root.
record_containerd() {
  local kind id root c=(ctr -a "$run${2#/run}" -n "$1")
  mkdir -p "$3"
  for kind in containers images tasks content leases; do "${c[@]}" "$kind" ls > "$3/ctr-$kind.txt"; done
  "${c[@]}" snapshots --snapshotter "${snapshotter:-overlayfs}" ls > "$3/ctr-snapshots.txt"
  "${c[@]}" sandboxes ls > "$3/ctr-sandboxes.txt" 2>/dev/null || rm "$3/ctr-sandboxes.txt"
  for id in $("${c[@]}" containers ls -q); do
    "${c[@]}" containers info "$id" > "$3/info-$id.json"
    root=/proc/$node_pid/root/run/${4:-containerd}/io.containerd.runtime.v2.task/$1/$id/rootfs
    [ ! -d "$root" ] || [ -z "$(ls -A "$root")" ] || truth_merged "$root" "$3" "$id"
    "${c[@]}" snapshots --snapshotter "${snapshotter:-overlayfs}" diff "$id" 2>/dev/null |
      tar -tzf - 2>/dev/null | LC_ALL=C sort > "$3/diff-$id.lst" || true
  done
}

# record_cri TRUTH: the same pods and containers in the words of CRI.
record_cri() {
  local id
  cri pods -o json > "$1/cri-pods.json"
  cri ps -a -o json > "$1/cri-containers.json"
  cri images -o json > "$1/cri-images.json"
  for id in $(cri ps -a -q); do cri inspect "$id" > "$1/cri-inspect-$id.json"; done
}
