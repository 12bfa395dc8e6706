// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/diagnostic.h"
#include "runtime/json.h"
#include "runtime/location.h"
#include "runtime/model.h"

// The records of containerd's CRI plugin (internal/cri/store).
namespace ekshume::runtime::containerd {

// Fills what the extension io.cri-containerd.container.metadata says. `document` is the whole
// document, {"Version":"v1","Metadata":{...}}.
void ReadCriContainer(const Json& document, Container& container);

// The same for io.cri-containerd.sandbox.metadata: also the pod's labels and annotations, which
// become the container's.
void ReadCriSandbox(const Json& document, Container& container);

// Fills state, times, pid and exit code from the status file of a container
// (<root>/io.containerd.grpc.v1.cri/containers/<id>/status). False when there is none.
bool ReadCriStatus(const Location& cri_root, Container& container, DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::containerd
