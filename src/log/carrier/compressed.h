// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "log/carrier/input.h"

namespace ekshume::log {

// What a compressed stream is packed with.
bool IsGzip(std::string_view head);  // RFC 1952
bool IsZstd(std::string_view head);  // RFC 8878, a frame or a skippable frame

// The content of all gzip members of `input`, one after the other. A damaged member gives what came
// out of it before the damage and a diagnostic (kLogCarrierDamaged under `evidence`); reading goes
// on with the next member that can be found. `input` and `diagnostics` must outlive it.
std::unique_ptr<Input> Gunzip(Input& input, std::string evidence, DiagnosticSink& diagnostics);

// The same for zstd frames; what follows a damaged one is lost.
std::unique_ptr<Input> Unzstd(Input& input, std::string evidence, DiagnosticSink& diagnostics);

}  // namespace ekshume::log
