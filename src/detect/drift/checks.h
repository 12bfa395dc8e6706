// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/drift/subject.h"
#include "fs/overlay/diff.h"

// The checks themselves: what is known of a file, volume or container comes in, a verdict comes out
// when there is something to say. They read nothing. One thing gives one verdict, the gravest, so
// that one act is one finding; what else stands out are its reasons.
namespace ekshume::detect::drift {

// One change of a container, with what else the evidence tells of it.
struct ContainerFile {
  const fs::overlay::DiffEntry* entry = nullptr;
  bool is_mount_point = false;  // the runtime made it to mount something on
  // "the entry point", "a script that the entry point runs"; "" when the start does not touch it.
  std::string_view start;
  std::string package;             // of the image, or of what is installed now
  bool installed_here = false;     // the package manager itself wrote the file, in the container
  bool runs_cron = false;          // what the container is for
  bool capability_gained = false;  // security.capability where there was none
  std::string added_text;          // of account files: the lines that were not there before
  size_t lost = 0;  // of a directory deleted or replaced: files below it that are gone
};
std::optional<Verdict> CheckContainerFile(const ContainerFile& file);

// A file of the host that changed while containers ran.
struct HostFile {
  std::string path;  // without a leading slash
  fs::Stat stat;
  fs::overlay::ContentKind kind = fs::overlay::ContentKind::kNone;
  std::string package;          // that owns it
  bool installed_then = false;  // the package manager wrote it: its record is as old as the change
  bool is_new = false;          // made while containers ran
  std::string text;             // of small text files
  // Containers, none of the known ones of nodes, that ran then and had the place mounted to write.
  std::vector<std::string> writers;
  bool system_writer = false;  // a known one of nodes had
};
std::optional<Verdict> CheckHostFile(const HostFile& file);

// A file that was deleted while in use.
struct DeletedFile {
  fs::Stat stat;
  fs::overlay::ContentKind kind = fs::overlay::ContentKind::kNone;
  // The folder it was in, without a leading slash, where it can be told.
  std::optional<std::string> folder;
  bool in_container = false;
};
std::optional<Verdict> CheckDeletedFile(const DeletedFile& file);

// A file in a volume of a pod.
struct VolumeFile {
  std::string path;  // in the volume
  fs::Stat stat;
  fs::overlay::ContentKind kind = fs::overlay::ContentKind::kNone;
  bool made_by_start = false;  // before the pod's last container started: by init containers
};
std::optional<Verdict> CheckVolumeFile(const VolumeFile& file);

// What a container may reach, as casefile/risks lists it, the gravest first.
struct HostReach {
  std::vector<std::string> access;
  bool is_known = false;         // a known agent of nodes, which needs it
  bool of_node_set = false;      // of a DaemonSet that came with the node
  bool imitates_system = false;  // in a namespace of the system without being one of those
};
std::optional<Verdict> CheckHostReach(const HostReach& reach);

// Whether an image is one that needs its host by design: Kubernetes' and EKS's own, network and
// storage drivers, monitoring and security agents. By registry and name; a name alone only counts
// in a namespace of the system.
bool IsKnownAgent(std::string_view image, std::string_view name_space);
// kube-system and the like.
bool IsSystemNamespace(std::string_view name_space);

// "program (ELF)", "script", "text file", "directory"
std::string KindWords(const fs::Stat& stat, fs::overlay::ContentKind kind);

}  // namespace ekshume::detect::drift
