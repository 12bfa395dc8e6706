// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "fs/filesystem.h"
#include "runtime/json.h"
#include "runtime/model.h"

// Reading at a Location: small files, documents, directories.
namespace ekshume::runtime {

// `name` (which may hold slashes) below `location`.
Location Below(const Location& location, std::string_view name);

// What to call it in a diagnostic: "/var/lib/containerd".
std::string Describe(const Location& location);

bool IsDirectory(const Location& location);
bool IsFile(const Location& location);
// True when the directory holds nothing.
bool IsEmptyDirectory(const Location& location);

// The names in the directory, sorted, "." and ".." left out; empty when there is no such directory.
// A directory that exists and cannot be read is reported.
std::vector<fs::DirectoryEntry> List(const Location& location, DiagnosticSink& diagnostics);

// The whole file; kNotFound, kLimit.
Result<std::string> ReadFile(const Location& location, size_t limit_bytes);

// How much of a file of one kind is read, and what the limit is called.
struct FileLimit {
  size_t bytes;
  std::string_view name;
};
inline constexpr FileLimit kSmallFile{limits::kMaxSmallFileBytes, "kMaxSmallFileBytes"};
inline constexpr FileLimit kYamlFile{limits::kMaxYamlBytes, "kMaxYamlBytes"};
inline constexpr FileLimit kDocumentFile{limits::kMaxDocumentBytes, "kMaxDocumentBytes"};

// The whole file; nothing when there is none. One that is larger than `most` (kRuntimeLimit) or
// cannot be read (kRuntimeRecordDamaged) is reported.
std::optional<std::string> ReadText(const Location& location, const FileLimit& most,
                                    DiagnosticSink& diagnostics);
// A kSmallFile without surrounding white space, "" when there is none: hostname, mount-id.
std::string ReadWord(const Location& location, DiagnosticSink& diagnostics);
// A JSON document. Nothing when there is no such file; damage is reported as
// kRuntimeRecordDamaged.
std::optional<Json> ReadDocument(const Location& location, DiagnosticSink& diagnostics);

// 64 lower-case hexadecimal digits: a container id, a digest's value.
bool IsHex64(std::string_view text);

}  // namespace ekshume::runtime
