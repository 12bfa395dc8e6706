// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/debian.h"

#include <fmt/format.h>

#include "artifact/reading.h"

namespace ekshume::artifact::packages {
namespace {

// "2026-11-24 21:39:08", with one or more blanks in between.
std::optional<Timestamp> TakeTime(std::string_view& rest) {
  const std::string_view day = TakeWord(rest);
  const std::string_view clock = TakeWord(rest);
  return ParseTimestamp(fmt::format("{}T{}Z", day, clock));
}

// Calls `field` with name, value and line for each "Name<separator>value" line, and `end` with the
// stanza's text at every empty line and at the end.
template <typename Field, typename End>
void ForEachStanza(std::string_view content, std::string_view separator, const Field& field,
                   const End& end) {
  uint64_t start = 0;
  bool open = false;
  uint64_t last = 0;  // the end of the last line that was not empty
  for (const Line& line : Lines(content)) {
    if (line.text.empty()) {
      if (open) end(content.substr(start, last - start), start);
      open = false;
      continue;
    }
    if (!open) start = line.offset;
    open = true;
    last = line.offset + line.text.size();
    const size_t at = line.text.find(separator);
    if (line.text[0] == ' ' || at == std::string_view::npos) continue;
    field(line.text.substr(0, at), line.text.substr(at + separator.size()));
  }
  if (open) end(content.substr(start, last - start), start);
}

std::vector<InstalledPackage> ParseStanzas(std::string_view content, std::string_view separator,
                                           std::string_view name, std::string_view version,
                                           std::string_view architecture, std::string_view state) {
  std::vector<InstalledPackage> packages;
  InstalledPackage package;
  ForEachStanza(
      content, separator,
      [&](std::string_view field, std::string_view value) {
        if (field == name) package.name = value;
        if (field == version) package.version = value;
        if (field == architecture) package.architecture = value;
        if (field == state) package.state = value;
      },
      [&](std::string_view text, uint64_t offset) {
        if (!package.name.empty()) {
          package.text = text;
          package.offset = offset;
          packages.push_back(std::move(package));
        }
        package = {};
      });
  return packages;
}

}  // namespace

std::vector<InstalledPackage> ParseDpkgStatus(std::string_view content) {
  return ParseStanzas(content, ": ", "Package", "Version", "Architecture", "Status");
}

std::vector<InstalledPackage> ParseApkInstalled(std::string_view content) {
  return ParseStanzas(content, ":", "P", "V", "A", "");
}

std::optional<DpkgLogLine> ParseDpkgLogLine(std::string_view line) {
  DpkgLogLine result;
  const auto time = TakeTime(line);
  if (!time) return std::nullopt;
  result.time = *time;
  result.action = TakeWord(line);
  if (result.action != "install" && result.action != "upgrade" && result.action != "remove" &&
      result.action != "purge") {
    return std::nullopt;
  }
  result.package = TakeWord(line);
  const std::string_view old_version = TakeWord(line);
  const std::string_view new_version = TakeWord(line);
  const bool is_removal = result.action == "remove" || result.action == "purge";
  result.version = is_removal ? old_version : new_version;
  if (result.package.empty()) return std::nullopt;
  return result;
}

std::vector<AptRun> ParseAptHistory(std::string_view content) {
  std::vector<AptRun> runs;
  AptRun run;
  ForEachStanza(
      content, ": ",
      [&](std::string_view field, std::string_view value) {
        if (field == "Start-Date") {
          run.start = TakeTime(value);
        } else if (field == "End-Date") {
          run.end = TakeTime(value);
        } else if (field == "Commandline") {
          run.command_line = value;
        } else if (field == "Requested-By") {
          run.requested_by = TakeWord(value);
        } else if (field == "Error") {
          run.error = value;
        } else {
          if (!run.changes.empty()) run.changes += "; ";
          run.changes += fmt::format("{}: {}", field, value);
        }
      },
      [&](std::string_view text, uint64_t offset) {
        if (run.start) {
          run.text = text;
          run.offset = offset;
          runs.push_back(std::move(run));
        }
        run = {};
      });
  return runs;
}

std::optional<RpmLogLine> ParseRpmLogLine(std::string_view line) {
  RpmLogLine result;
  std::string time(TakeWord(line));
  // "+0000", which RFC 3339 writes "+00:00"
  if (time.size() > 5 && (time[time.size() - 5] == '+' || time[time.size() - 5] == '-')) {
    time.insert(time.size() - 2, ":");
  }
  const auto parsed = ParseTimestamp(time);
  if (!parsed) return std::nullopt;
  result.time = *parsed;
  TakeWord(line);  // the log level
  const std::string_view action = TakeWord(line);
  if (action == "Installed:") result.action = "install";
  // "Upgraded:" is the old version that goes.
  if (action == "Upgrade:" || action == "Reinstall:") result.action = "upgrade";
  if (action == "Erase:" || action == "Removed:") result.action = "remove";
  result.package = TakeWord(line);
  if (result.action.empty() || result.package.empty()) return std::nullopt;
  return result;
}

}  // namespace ekshume::artifact::packages
