// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/diagnostic.h"
#include "runtime/bolt/database.h"
#include "runtime/location.h"

namespace ekshume::runtime {

// The bolt database at `file`, or null: silently when there is no such file, else reported as
// kRuntimeStoreUnreadable. `diagnostics` and the file's filesystem must outlive it.
std::unique_ptr<bolt::Database> OpenDatabase(const Location& file, DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime
