// SPDX-License-Identifier: Apache-2.0
#include "casefile/mount_table.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"

namespace ekshume::casefile {
namespace {

// Fields of fstab are separated by blanks; blanks inside are written \040, tabs \011 (fstab(5)).
std::string UnescapeOctal(std::string_view field) {
  std::string out;
  const auto digit = [&](size_t i) {
    return i < field.size() && field[i] >= '0' && field[i] <= '7' ? field[i] - '0' : -1;
  };
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '\\' && digit(i + 1) >= 0 && digit(i + 2) >= 0 && digit(i + 3) >= 0) {
      out.push_back(static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3)));
      i += 3;
    } else {
      out.push_back(field[i]);
    }
  }
  return out;
}

std::vector<std::string_view> SplitBlanks(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return fields;
    line.remove_prefix(start);
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string_view Trim(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) return {};
  const size_t end = text.find_last_not_of(" \t\r");
  return text.substr(start, end - start + 1);
}

}  // namespace

std::vector<ConfiguredMount> ParseFstab(std::string_view text) {
  std::vector<ConfiguredMount> mounts;
  for (const std::string_view line : SplitNonEmpty(text, '\n')) {
    const auto fields = SplitBlanks(line);
    if (fields.size() < 2 || fields[0].starts_with('#')) continue;
    ConfiguredMount mount;
    mount.source = UnescapeOctal(fields[0]);
    mount.target = UnescapeOctal(fields[1]);
    if (fields.size() > 2) mount.type = std::string(fields[2]);
    if (fields.size() > 3) mount.options = std::string(fields[3]);
    mount.file = "/etc/fstab";
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

ConfiguredMount ParseMountUnit(std::string_view text) {
  ConfiguredMount mount;
  bool in_section = false;
  for (const std::string_view raw_line : SplitNonEmpty(text, '\n')) {
    const std::string_view line = Trim(raw_line);
    if (line.starts_with('[')) in_section = line == "[Mount]";
    const size_t equals = line.find('=');
    if (!in_section || equals == std::string_view::npos || line.starts_with('#')) continue;
    const std::string_view key = Trim(line.substr(0, equals));
    const std::string value(Trim(line.substr(equals + 1)));
    if (key == "What") mount.source = value;
    if (key == "Where") mount.target = value;
    if (key == "Type") mount.type = value;
    if (key == "Options") mount.options = value;
  }
  return mount;
}

std::vector<ConfiguredMount> ReadConfiguredMounts(const fs::Filesystem& root,
                                                  DiagnosticSink& diagnostics) {
  const auto read = [&](const std::string& path) -> std::string {
    auto text = fs::ReadWholeFile(root, path, limits::kMaxDocumentBytes);
    if (text) return *std::move(text);
    const Error& error = text.error();
    // A link that leads nowhere (a masked unit) is none of its kind.
    if (error.code != ErrorCode::kNotFound && error.code != ErrorCode::kInvalidArgument) {
      diagnostics.Report(
          DiagnosticCode::kFilesystemNodeUnreadable, path,
          error.code == ErrorCode::kLimit ? "kMaxDocumentBytes: " + error.message : error.message);
    }
    return "";
  };
  std::vector<ConfiguredMount> mounts = ParseFstab(read("/etc/fstab"));
  const std::string folder = "/etc/systemd/system";
  const auto directory = fs::ResolvePath(root, folder);
  if (!directory) return mounts;
  const auto entries = fs::ListDirectory(root, *directory);
  if (!entries) {
    diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable, folder, entries.error().message);
    return mounts;
  }
  for (const fs::DirectoryEntry& entry : *entries) {
    if (!entry.name.ends_with(".mount")) continue;
    const std::string path = folder + "/" + entry.name;
    ConfiguredMount mount = ParseMountUnit(read(path));
    if (mount.target.empty()) continue;
    mount.file = path;
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace ekshume::casefile
