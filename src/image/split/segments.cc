// SPDX-License-Identifier: Apache-2.0
#include "image/split/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/ascii.h"
#include "base/limits.h"

namespace ekshume::image::split {
namespace {

constexpr size_t kMinDigits = 3;
constexpr size_t kMaxDigits = 6;
constexpr size_t kMinLetters = 2;
constexpr size_t kMaxLetters = 3;
constexpr size_t kMaxGap = 8;  // segments that may be missing from a small set

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }

uint64_t ToNumber(std::string_view suffix, bool letters) {
  uint64_t number = 0;
  for (const char c : suffix) {
    number = letters ? number * 26 + static_cast<uint64_t>(c - 'a')
                     : number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

// The same set: the same base, kind and width, or a counter that has grown past its width.
bool SameSet(const SegmentName& a, const SegmentName& b) {
  if (a.base != b.base || a.letters != b.letters) return false;
  if (a.width == b.width) return true;
  const SegmentName& longer = a.width > b.width ? a : b;
  return !a.letters && std::to_string(longer.number).size() == longer.width;
}

// "disk.img" and "disk.raw" end in three letters as well, and "disk.2024" in digits: what lies far
// behind the others is none of them, and letters must begin at .aa.
void DropOutliers(std::map<uint64_t, std::string>& segments, bool letters) {
  if (letters && !segments.contains(0)) segments.clear();
  while (!segments.empty() && segments.rbegin()->first > 2 * segments.size() + kMaxGap) {
    segments.erase(std::prev(segments.end()));
  }
}

}  // namespace

std::optional<SegmentName> ParseSegmentName(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view suffix = path.substr(dot + 1);
  const bool digits = suffix.size() >= kMinDigits && suffix.size() <= kMaxDigits &&
                      std::ranges::all_of(suffix, IsDigit);
  const bool letters = suffix.size() >= kMinLetters && suffix.size() <= kMaxLetters &&
                       std::ranges::all_of(suffix, IsLetter);
  if (!digits && !letters) return std::nullopt;
  return SegmentName{std::string(path.substr(0, dot + 1)), ToNumber(suffix, letters), suffix.size(),
                     letters};
}

Result<std::map<uint64_t, std::string>> FindSegments(const std::string& path) {
  const auto wanted = ParseSegmentName(path);
  if (!wanted) return std::map<uint64_t, std::string>();
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::string prefix = folder.empty() ? "" : path.substr(0, path.rfind('/') + 1);
  std::map<uint64_t, std::string> segments;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string candidate = prefix + entry->path().filename().string();
    const auto name = ParseSegmentName(candidate);
    std::error_code ignored;
    if (!name || !SameSet(*wanted, *name) || !entry->is_regular_file(ignored)) continue;
    // Both 999 of three digits and 0999 cannot be; the narrower one is the set's.
    segments.try_emplace(name->number, candidate);
    if (segments.size() > limits::kMaxSplitSegments) {
      return Fail(ErrorCode::kLimit, fmt::format("kMaxSplitSegments: {} has more than {} segments",
                                                 path, limits::kMaxSplitSegments));
    }
  }
  if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", folder.string(), error.message()));
  DropOutliers(segments, wanted->letters);
  if (!segments.contains(wanted->number)) segments.clear();
  return segments;
}

std::string SegmentPath(const SegmentName& example, uint64_t number) {
  if (!example.letters) return fmt::format("{}{:0{}}", example.base, number, example.width);
  std::string suffix(example.width, 'a');
  for (size_t i = example.width; i-- > 0; number /= 26) {
    suffix[i] = static_cast<char>('a' + number % 26);
  }
  return example.base + suffix;
}

}  // namespace ekshume::image::split
