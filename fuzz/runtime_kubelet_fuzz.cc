// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/format.h"
#include "runtime/memory_tree.h"

// The input is every text that the kubelet and what surrounds it leave on a node, at once: a
// kubeconfig, a manifest, a hosts file, unit files, user data, names of logs.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::runtime;
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  MemoryTree tree;
  for (const std::string_view path :
       {"var/lib/kubelet/kubeconfig", "etc/kubernetes/manifests/a.yaml",
        "etc/kubernetes/kubelet/config.json", "var/lib/kubelet/pods/uid/etc-hosts",
        "etc/systemd/system/kubelet.service", "etc/containerd/config.toml",
        "etc/docker/daemon.json", "etc/os-release", "var/lib/dpkg/status",
        "var/lib/cloud/instances/i-1/user-data.txt"}) {
    tree.AddFile(path, text);
  }
  tree.AddFile("var/log/pods/" + text, "");
  tree.AddSymlink("var/log/containers/p_n_c-" + std::string(64, 'a') + ".log", text);
  DiagnosticSink diagnostics;
  (void)ReadNode(NodeFilesystems{{&tree}}, diagnostics);
  return 0;
}
