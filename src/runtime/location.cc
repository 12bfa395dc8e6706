// SPDX-License-Identifier: Apache-2.0
#include "runtime/location.h"

#include <fmt/format.h>

#include <algorithm>

#include "fs/path.h"

namespace ekshume::runtime {

Location Below(const Location& location, std::string_view name) {
  return {location.filesystem, fs::JoinPath(location.path, name)};
}

std::string Describe(const Location& location) { return "/" + location.path; }

bool IsDirectory(const Location& location) {
  return fs::Exists(*location.filesystem, location.path, fs::NodeType::kDirectory);
}

bool IsFile(const Location& location) {
  return fs::Exists(*location.filesystem, location.path, fs::NodeType::kRegular);
}

bool IsEmptyDirectory(const Location& location) {
  const auto node = fs::ResolvePath(*location.filesystem, location.path);
  if (!node) return false;
  bool empty = true;
  const auto read = location.filesystem->ReadDirectory(*node, [&](fs::DirectoryEntry&&) {
    empty = false;
    return false;
  });
  return read.has_value() && empty;
}

std::vector<fs::DirectoryEntry> List(const Location& location, DiagnosticSink& diagnostics) {
  const auto node = fs::ResolvePath(*location.filesystem, location.path);
  if (!node) return {};
  const auto stat = location.filesystem->GetStat(*node);
  if (!stat || stat->type != fs::NodeType::kDirectory) return {};
  auto entries = fs::ListDirectory(*location.filesystem, *node);
  if (!entries) {
    diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable, Describe(location),
                       entries.error().message);
    return {};
  }
  return *std::move(entries);
}

Result<std::string> ReadFile(const Location& location, size_t limit_bytes) {
  return fs::ReadWholeFile(*location.filesystem, location.path, limit_bytes);
}

std::optional<std::string> ReadText(const Location& location, const FileLimit& most,
                                    DiagnosticSink& diagnostics) {
  auto text = ReadFile(location, most.bytes);
  if (text) return *std::move(text);
  const Error& error = text.error();
  // Neither nothing nor a directory is such a file.
  if (error.code == ErrorCode::kNotFound || error.code == ErrorCode::kInvalidArgument) {
    return std::nullopt;
  }
  const bool is_limit = error.code == ErrorCode::kLimit;
  diagnostics.Report(
      is_limit ? DiagnosticCode::kRuntimeLimit : DiagnosticCode::kRuntimeRecordDamaged,
      Describe(location),
      is_limit ? fmt::format("{}: {}", most.name, error.message) : error.message);
  return std::nullopt;
}

std::string ReadWord(const Location& location, DiagnosticSink& diagnostics) {
  const auto text = ReadText(location, kSmallFile, diagnostics);
  if (!text) return "";
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text->find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text->substr(begin, text->find_last_not_of(kSpace) - begin + 1);
}

std::optional<Json> ReadDocument(const Location& location, DiagnosticSink& diagnostics) {
  const auto text = ReadFile(location, limits::kMaxDocumentBytes);
  if (!text && text.error().code == ErrorCode::kNotFound) return std::nullopt;
  auto document = text ? ParseJson(*text) : Result<Json>(text.error());
  if (!document) {
    diagnostics.Report(DiagnosticCode::kRuntimeRecordDamaged, Describe(location),
                       document.error().message);
    return std::nullopt;
  }
  return *std::move(document);
}

bool IsHex64(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace ekshume::runtime
