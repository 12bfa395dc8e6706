// SPDX-License-Identifier: Apache-2.0
#include "artifact/reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_view.h"
#include "base/text.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::artifact {
namespace {

// A name against a pattern with '*': greedy, going back to the last star.
bool Matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool IsMissing(const Error& error) {
  return error.code == ErrorCode::kNotFound || error.code == ErrorCode::kInvalidArgument;
}

}  // namespace

std::string_view DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Reading::Reading(const View& view, Output& output, DiagnosticSink& diagnostics, ReadingLimits most)
    : view_(view), output_(output), diagnostics_(diagnostics), most_(most) {}

bool Reading::Wants(std::string_view path) const {
  return view_.changed == nullptr || view_.changed->Contains(path);
}

bool Reading::WantsBelow(std::string_view directory) const {
  return view_.changed == nullptr || view_.changed->ContainsBelow(directory);
}

void Reading::Report(DiagnosticCode code, std::string_view path, std::string detail,
                     std::optional<uint64_t> offset_bytes) {
  diagnostics_.Report(code, view_.evidence + ":" + std::string(path), std::move(detail),
                      offset_bytes);
}

bool Reading::LimitFiles(size_t count, std::string_view path) {
  if (count < most_.files) return false;
  Report(DiagnosticCode::kArtifactLimit, path, "kMaxArtifactFiles");
  return true;
}

std::vector<std::string> Reading::Directories(std::string_view pattern) {
  std::vector<std::string> paths = {""};
  for (const std::string_view part : SplitNonEmpty(pattern, '/')) {
    if (part.find('*') == std::string_view::npos) {
      for (std::string& path : paths) path.append("/").append(part);
      continue;
    }
    std::vector<std::string> next;
    for (const std::string& path : paths) {
      const auto node = fs::ResolvePath(filesystem(), path);
      if (!node) continue;
      const auto entries = fs::ListDirectory(filesystem(), *node);
      if (!entries) {
        if (!IsMissing(entries.error())) {
          Report(DiagnosticCode::kArtifactUnreadable, path, entries.error().message);
        }
        continue;
      }
      for (const fs::DirectoryEntry& entry : *entries) {
        if (!Matches(part, entry.name)) continue;
        if (LimitFiles(next.size(), path)) break;
        next.push_back(path + "/" + entry.name);
      }
    }
    paths = std::move(next);
  }
  return paths;
}

void Reading::AddMatches(std::string_view pattern, std::vector<FoundFile>& found,
                         std::vector<fs::NodeId>& nodes) {
  for (std::string& path : Directories(pattern)) {
    if (!Wants(path)) continue;
    const auto node = fs::ResolvePath(filesystem(), path);
    if (!node) {
      if (!IsMissing(node.error())) {
        Report(DiagnosticCode::kArtifactUnreadable, path, node.error().message);
      }
      continue;
    }
    const auto stat = filesystem().GetStat(*node);
    if (!stat) {
      Report(DiagnosticCode::kArtifactUnreadable, path, stat.error().message);
      continue;
    }
    if (stat->type != fs::NodeType::kRegular) continue;
    const auto place = std::ranges::lower_bound(nodes, *node);
    if (place != nodes.end() && *place == *node) continue;
    if (LimitFiles(found.size(), path)) return;
    nodes.insert(place, *node);
    found.push_back({std::move(path), *node, *stat});
  }
}

std::vector<FoundFile> Reading::Find(std::initializer_list<std::string_view> patterns) {
  return Find(std::vector<std::string>(patterns.begin(), patterns.end()));
}

std::vector<FoundFile> Reading::Find(const std::vector<std::string>& patterns) {
  std::vector<FoundFile> found;
  std::vector<fs::NodeId> nodes;  // of all that was found, sorted
  for (const std::string& pattern : patterns) AddMatches(pattern, found, nodes);
  return found;
}

void Reading::VisitBelow(std::string_view directory,
                         const std::function<void(const FoundFile&)>& visit) {
  const auto start = fs::ResolvePath(filesystem(), directory);
  if (!start) return;
  size_t count = 0;
  const auto walked = fs::Walk(filesystem(), *start, diagnostics_, [&](const fs::WalkItem& item) {
    if (item.path.empty()) return fs::WalkStep::kContinue;
    std::string path = fmt::format("{}/{}", directory, item.path);
    const auto next = item.stat.type == fs::NodeType::kDirectory && !WantsBelow(path)
                          ? fs::WalkStep::kSkipChildren
                          : fs::WalkStep::kContinue;
    if (!Wants(path)) return next;
    if (LimitFiles(count++, path)) return fs::WalkStep::kStop;
    visit({std::move(path), item.node, item.stat});
    return next;
  });
  if (!walked) Report(DiagnosticCode::kArtifactUnreadable, directory, walked.error().message);
}

std::vector<FoundFile> Reading::FindBelow(std::string_view directory) {
  std::vector<FoundFile> found;
  VisitBelow(directory, [&](const FoundFile& file) {
    if (file.stat.type == fs::NodeType::kRegular) found.push_back(file);
  });
  return found;
}

std::optional<std::string> Reading::ReadFile(const FoundFile& file) {
  const auto opened = filesystem().OpenFile(file.node);
  if (!opened) {
    Report(DiagnosticCode::kArtifactUnreadable, file.path, opened.error().message);
    return std::nullopt;
  }
  const uint64_t size = (*opened)->size_bytes();
  if (size > most_.file_bytes) {
    Report(DiagnosticCode::kArtifactLimit, file.path, "kMaxArtifactBytes", most_.file_bytes);
  }
  std::string content(static_cast<size_t>(std::min<uint64_t>(size, most_.file_bytes)), '\0');
  const std::span<std::byte> out = AsWritableBytes(content);
  size_t filled = 0;
  while (filled < content.size()) {
    const auto read = (*opened)->ReadAt(filled, out.subspan(filled));
    if (!read) {
      Report(DiagnosticCode::kArtifactUnreadable, file.path, read.error().message, filled);
      break;
    }
    if (*read == 0) break;
    filled += *read;
  }
  content.resize(filled);
  return content;
}

std::string Reading::ReadForReference(std::string_view path) {
  const auto node = fs::ResolvePath(filesystem(), path);
  if (!node) return "";
  const auto stat = filesystem().GetStat(*node);
  if (!stat || stat->type != fs::NodeType::kRegular) return "";
  return ReadFile({std::string(path), *node, *stat}).value_or("");
}

event::Event& Reading::Begin() {
  event_.Clear();
  return event_;
}

bool Reading::Add(std::string_view path, uint64_t offset) {
  if (full()) {
    if (!events_reported_) Report(DiagnosticCode::kArtifactLimit, path, "kMaxArtifactEvents");
    events_reported_ = true;
    return false;
  }
  ++added_;
  output_.Add(event_, path, offset);
  return true;
}

void FillFromFile(const FoundFile& file, event::Event& event) {
  event.time = file.stat.modified;
  event[event::Text::kTimeKind] = "Content Modification Time";
  event[event::Text::kPath] = file.path;
}

std::vector<Line> Lines(std::string_view text) {
  std::vector<Line> lines;
  size_t start = 0;
  while (start < text.size()) {
    const size_t newline = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, newline - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back({line, start});
    start = newline + 1;
  }
  return lines;
}

namespace {
constexpr std::string_view kWhite = " \t\r\n\v\f";
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::string_view TakeWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kWhite), text.size()));
  const size_t end = std::min(text.find_first_of(kWhite), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  text.remove_prefix(std::min(text.find_first_not_of(kWhite), text.size()));
  return word;
}

std::string Shorten(std::string_view text, size_t most_bytes) {
  if (text.size() <= most_bytes) return std::string(text);
  return std::string(text.substr(0, most_bytes)) + "...";
}

}  // namespace ekshume::artifact
