// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "fs/filesystem.h"

// What the runtimes' stores on a node say, in one vocabulary: containers, images, pods and the
// snapshots (layer directories) they are made of. Plain values; strings are bytes from evidence.
namespace ekshume::runtime {

using Labels = std::map<std::string, std::string>;

// A directory on one of the node's filesystems.
struct Location {
  const fs::Filesystem* filesystem = nullptr;  // not owned
  std::string path;                            // from that filesystem's root, no leading slash

  friend bool operator==(const Location&, const Location&) = default;
};

// The layer directories of a container or image, as overlayfs is given them.
struct LayerChain {
  std::optional<Location> upper;    // the writable layer; none for an image
  std::vector<Location> lower;      // topmost first
  std::vector<Location> data_only;  // metacopy data layers (`lowerdir=a::b`), topmost first
  bool user_xattrs = false;  // overlay attributes are user.overlay.* instead of trusted.overlay.*
  // How many of `lower`, from the top, belong to the container rather than to its image (Docker's
  // "-init" layer with /etc/hosts, .dockerenv): `diff` compares with what lies below the upper
  // layer, as `docker diff` does.
  size_t init_layer_count = 0;
  // Layers that the store names and the evidence does not hold, topmost first.
  std::vector<std::string> missing;
};

struct Mount {
  std::string source;
  std::string destination;
  std::string type;
  std::vector<std::string> options;
};

enum class ContainerState { kUnknown, kCreated, kRunning, kExited };
std::string_view ContainerStateName(ContainerState state);  // unknown created running exited

enum class ContainerKind { kContainer, kSandbox };  // a sandbox is a pod's pause container

// The pod a container belongs to, from the container's own records.
struct PodReference {
  std::string name;
  std::string namespace_name;
  std::string uid;
  std::string container;  // the container's name inside the pod; "" for a sandbox
};

// An Amazon ECS task, from the labels that the ECS agent sets.
struct EcsReference {
  std::string cluster;
  std::string task_arn;
  std::string task_family;
  std::string task_version;
  std::string container;
};

struct Container {
  std::string id;    // 64 hex digits as a rule
  std::string name;  // Docker's name, or the pod's container name
  std::string
      runtime;  // "containerd", "docker", "cri-o", "podman", "kubelet" (recovered from its logs)
  std::string runtime_namespace;  // "k8s.io", "moby"; "" for Docker's own store
  ContainerKind kind = ContainerKind::kContainer;
  std::string image;         // the reference it was started from
  std::string image_digest;  // sha256:... of the manifest or, failing that, of the config
  std::optional<PodReference> pod;
  std::optional<EcsReference> ecs;
  std::string sandbox;  // the id of its pod's sandbox
  ContainerState state = ContainerState::kUnknown;
  std::optional<Timestamp> created;
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::optional<int64_t> exit_code;
  std::optional<int64_t> pid;  // of its first process, while it ran
  std::string reason;          // as CRI and Docker record it: "OOMKilled", "Error"
  std::string message;
  std::optional<int64_t> restart_count;
  std::string snapshotter;  // "overlayfs", "overlay2", "native", ...
  LayerChain layers;
  // The root itself where the snapshotter copies (native, vfs). `layers` then has no upper, and as
  // its lower layer the copy that this one was made from.
  std::optional<Location> native_root;
  std::vector<std::string> arguments;    // argv of its first process
  std::vector<std::string> environment;  // NAME=value; may hold secrets
  std::string working_directory;
  std::string user;
  bool privileged = false;
  std::vector<std::string>
      capabilities;  // effective or bounding set of the spec, sorted; Docker: CapAdd
  bool host_pid = false;
  bool host_network = false;
  bool host_ipc = false;
  std::string seccomp;  // "unconfined", a profile's name, "" unknown
  std::string apparmor;
  std::vector<Mount> mounts;
  Labels labels;
  Labels annotations;
  std::string log_path;    // on the host
  std::string ip_address;  // sandboxes
  std::string hostname;
  // "" for a regular record; else what is left of it: "log directory", "pod folder" (both may lack
  // the id, which is then "<pod uid>/<name>"), "snapshot" (the id may be the snapshot's), "database
  // page", "runtime folder" (of the CRI plugin or dockerd), "ECS agent".
  std::string recovered;
  Location store;  // the store that names it, e.g. var/lib/containerd
};

struct Image {
  std::string id;                       // config digest
  std::vector<std::string> references;  // names, sorted
  std::string digest;                   // manifest or index digest
  std::string media_type;
  std::string runtime;
  std::string runtime_namespace;
  std::string platform;               // "linux/amd64"
  std::optional<Timestamp> created;   // by its config
  std::optional<Timestamp> pulled;    // the store's own record
  std::vector<std::string> diff_ids;  // bottom first
  std::vector<std::string> history;   // "created_by" lines, bottom first
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::optional<uint64_t> size_bytes;  // as the store counts
  bool layer_blobs_present = false;    // the compressed layers are still in the content store
  LayerChain layers;                   // lower only
  Labels labels;
  Location store;
};

// One layer directory and what refers to it.
struct Snapshot {
  std::string key;     // containerd's key without namespace and sequence; Docker's cache id
  std::string id;      // the directory's name
  std::string parent;  // key
  std::string kind;    // "active", "committed", "view"
  std::string snapshotter;
  std::string runtime_namespace;
  std::optional<Timestamp> created;
  std::optional<Timestamp> updated;
  std::optional<uint64_t> size_bytes;
  Labels labels;
  Location directory;    // where its files lie (".../fs" or ".../diff")
  bool present = false;  // the directory is in the evidence
  std::string owner;     // container id or image reference that uses it, "" when nothing does
  Location store;
};

struct PodVolume {
  std::string plugin;  // "kubernetes.io~empty-dir"
  std::string name;
  Location directory;
  bool in_memory = false;  // tmpfs while the node ran: its contents cannot be on a disk
};

struct Pod {
  std::string name;
  std::string namespace_name;
  std::string uid;
  std::string node;
  std::string service_account;
  std::string ip_address;
  std::string hostname;
  std::string sandbox;                  // id of the newest sandbox
  std::vector<std::string> containers;  // container ids (no sandboxes), sorted
  std::vector<std::string> log_directories;
  std::vector<PodVolume> volumes;
  Labels labels;
  Labels annotations;
  std::optional<Timestamp> created;  // earliest record of it
  bool is_static = false;            // from a manifest on the node
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  std::string recovered;  // "" or what is left of it: as Container::recovered
};

// Who and what the node is, as far as its disks tell.
struct NodeIdentity {
  std::string hostname;
  std::string node_name;  // as Kubernetes knows it
  std::string cluster;    // EKS cluster name
  std::string api_server;
  std::string region;
  std::string instance_id;
  std::string operating_system;  // PRETTY_NAME of os-release
  std::string kernel;            // newest /lib/modules or boot entry
  std::string machine_id;
  std::string kubelet_version;
  std::string container_runtime;  // "containerd 1.7.27", "docker 20.10.24"
  Labels labels;                  // node labels found in kubelet's configuration
};

// Everything the stores of one node say. Sorted: containers and images by id, pods by namespace and
// name, snapshots by store and id.
struct Inventory {
  NodeIdentity node;
  std::vector<Container> containers;
  std::vector<Image> images;
  std::vector<Pod> pods;
  std::vector<Snapshot> snapshots;
};

}  // namespace ekshume::runtime
