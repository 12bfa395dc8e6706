// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "casefile/container_view.h"
#include "casefile/extract.h"
#include "cli/program.h"

namespace ekshume::cli {

// Opens the files of the thing that the user named.
using ViewOpener = std::function<Result<casefile::FileView>(
    const runtime::Inventory& inventory, const std::string& id, DiagnosticSink& diagnostics)>;

// Adds ls, stat, cat, find, hash, export, extract and mount to `verb`: what containers and images
// have in common.
void AddFileVerbs(Program& program, CLI::App& verb, const std::string& id_help, ViewOpener open);

// The options of every `extract`.
void AddExtractOptions(CLI::App& verb, casefile::ExtractOptions& options);

}  // namespace ekshume::cli
