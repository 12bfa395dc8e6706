// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/diagnostic.h"
#include "base/time.h"
#include "casefile/evidence.h"
#include "runtime/model.h"

// The JSON of the command-line contract (docs/cli.md): the same objects in listings and in
// report.json. Keys are only ever added to. Absent values are null, so every object of a kind has
// the same keys.
namespace ekshume::casefile {

using Json = nlohmann::ordered_json;

Json ToJson(const runtime::Container& container);
Json ToJson(const runtime::Image& image);
Json ToJson(const runtime::Pod& pod);
Json ToJson(const runtime::NodeIdentity& node);
Json ToJson(const Diagnostic& diagnostic);
// The disks, partitions and filesystems of the evidence, without hashes.
Json ToJson(const Evidence& evidence);

// null for what is not there.
Json TextOrNull(const std::string& text);
Json TimeOrNull(const std::optional<Timestamp>& time);

// JSON text; bytes that are not UTF-8 become U+FFFD. `indent` < 0: one line.
std::string Dump(const Json& json, int indent = -1);

}  // namespace ekshume::casefile
