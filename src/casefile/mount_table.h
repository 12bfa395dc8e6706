// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "fs/filesystem.h"

namespace ekshume::casefile {

// One mount that a node is configured to make.
struct ConfiguredMount {
  std::string source;   // "UUID=...", "/dev/nvme1n1", "/mnt/k8s-disks/0/containerd"
  std::string target;   // "/var/lib/containerd"
  std::string type;     // "xfs", "none" for bind mounts, "" unknown
  std::string options;  // "bind", "defaults,noatime"
  std::string file;     // where it is configured
};

// The mounts in /etc/fstab (fstab(5)) and /etc/systemd/system/*.mount (systemd.mount(5)) of a root
// filesystem, in that order. Lines that are neither are passed over; a file that cannot be read or
// is larger than limits::kMaxDocumentBytes is reported (kFilesystemNodeUnreadable).
std::vector<ConfiguredMount> ReadConfiguredMounts(const fs::Filesystem& root,
                                                  DiagnosticSink& diagnostics);

// For tests: the parsers of the two forms.
std::vector<ConfiguredMount> ParseFstab(std::string_view text);
ConfiguredMount ParseMountUnit(std::string_view text);

}  // namespace ekshume::casefile
