// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "process/format.h"
#include "runtime/json.h"

namespace ekshume::process {

using runtime::Json;

// Calls `visit` for each line of a text, without its end; the last one may lack the newline. At
// most limits::kMaxCollectionTableBytes are read, a line of more than limits::kMaxRecordBytes is
// left out (kCollectionLimit). False when the file is not there.
bool VisitLines(const Source& source, const std::string& path, DiagnosticSink& diagnostics,
                const std::function<void(std::string_view line)>& visit);

// The same for a table of JSON objects in one or several pieces: "live/maps.jsonl",
// "live/maps.2.jsonl", ... A line that is none is reported (kCollectionDamaged).
bool VisitTable(const Source& source, const std::string& path, DiagnosticSink& diagnostics,
                const std::function<void(const Json& row)>& visit);

// A text member with the bytes that KEY_hex has when they are not UTF-8.
std::string BytesOf(const Json& row, std::string_view key);
// The same for a list.
std::vector<std::string> BytesList(const Json& row, std::string_view key);
// Hexadecimal text of an address; nothing when it is none.
std::optional<uint64_t> Hexadecimal(std::string_view text);
uint64_t Unsigned(const Json& value);

}  // namespace ekshume::process
