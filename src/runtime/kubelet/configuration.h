// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/format.h"

namespace ekshume::runtime::kubelet {

// What the kubelet was told: its configuration files, its flags in unit files, its kubeconfig.
// Values that are nowhere are "".
struct Configuration {
  std::string static_pod_path;    // absolute
  std::string hostname_override;  // a flag
  Labels node_labels;             // a flag
  std::string api_server;
  std::string cluster;    // what the kubeconfig's credential helper is given
  std::string region;     // the same
  std::string node_name;  // of the client certificate "system:node:<name>"
};

// Reads it from the first filesystem that has each. Damaged files are reported.
Configuration ReadConfiguration(const NodeFilesystems& node, DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::kubelet
