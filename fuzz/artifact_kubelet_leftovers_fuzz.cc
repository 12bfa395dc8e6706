// SPDX-License-Identifier: Apache-2.0
#include "artifact/kubelet_leftovers/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(
      ekshume::artifact::kubelet_leftovers::KubeletLeftoversFormat(),
      {"var/lib/cni/results/x", "var/lib/cni/networks/n/10.0.0.1", "etc/cni/net.d/x.conflist",
       "etc/kubernetes/kubelet/x.json", "var/lib/kubelet/pki/x.pem",
       "etc/kubernetes/manifests/x.yaml", "var/lib/kubelet/cpu_manager_state",
       "var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/p/vol_data.json"},
      data, size);
  return 0;
}
