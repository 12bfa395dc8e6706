// SPDX-License-Identifier: Apache-2.0
#include "runtime/open_database.h"

#include "fs/path.h"

namespace ekshume::runtime {

std::unique_ptr<bolt::Database> OpenDatabase(const Location& file, DiagnosticSink& diagnostics) {
  const auto node = fs::ResolvePath(*file.filesystem, file.path);
  if (!node) return nullptr;
  const auto open = [&]() -> Result<std::unique_ptr<bolt::Database>> {
    auto opened = EKSHUME_TRY(file.filesystem->OpenFile(*node));
    return bolt::Database::Open(std::move(opened), Describe(file), diagnostics);
  };
  auto database = open();
  if (!database) {
    diagnostics.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(file),
                       database.error().message);
    return nullptr;
  }
  return *std::move(database);
}

}  // namespace ekshume::runtime
