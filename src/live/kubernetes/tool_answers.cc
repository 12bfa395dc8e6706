// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/tool_answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_view.h"
#include "base/text.h"

namespace ekshume::live::kubernetes {
Result<std::vector<Section>> FindSections(const image::Image& answer, std::string_view boundary,
                                          size_t window_bytes) {
  const std::string marker = fmt::format("\n{} ", boundary);
  const uint64_t size = answer.size_bytes();
  std::vector<Section> sections;
  std::string window = "\n";  // as if a newline stood before the answer
  uint64_t before = 0;        // bytes of that text before the window; the answer begins at 1
  for (uint64_t read = 0; read < size;) {
    const size_t kept = window.size();
    const auto count = static_cast<size_t>(std::min<uint64_t>(window_bytes, size - read));
    window.resize(kept + count);
    EKSHUME_TRY(answer.ReadAt(read, AsWritableBytes(window.data() + kept, count)));
    read += count;
    size_t done = 0;  // of the window
    for (size_t at = 0; (at = window.find(marker, done)) != std::string::npos;) {
      const size_t name = at + marker.size();
      const size_t newline = window.find('\n', name);
      if (newline == std::string::npos && window.size() - name < kMostSectionNameBytes &&
          read < size) {
        done = at;  // the rest of its name is still to come
        break;
      }
      if (sections.size() == kMostSections) return sections;
      const size_t end = std::min({newline, window.size(), name + kMostSectionNameBytes});
      if (!sections.empty()) {
        Section& last = sections.back();
        const uint64_t stop = before + at - 1;
        last.size_bytes = stop > last.offset_bytes ? stop - last.offset_bytes : 0;
      }
      const uint64_t begin = std::min(before + end, size);  // past the newline
      sections.push_back({window.substr(name, end - name), begin, size - begin});
      // That newline may be the one before the next boundary.
      done = end;
    }
    // What may be the beginning of a boundary stays.
    const bool waits = window.compare(done, marker.size(), marker) == 0;
    const size_t gone =
        waits ? done : std::max(done, window.size() - std::min(window.size(), marker.size() - 1));
    before += gone;
    window.erase(0, gone);
  }
  return sections;
}

std::vector<Link> ParseLinks(std::string_view listing) {
  constexpr std::string_view kArrow = " -> ";
  std::vector<Link> links;
  std::string_view folder;
  for (const std::string_view line : SplitNonEmpty(listing, '\n')) {
    const size_t arrow = line.find(kArrow);
    if (arrow == std::string_view::npos) {
      if (line.starts_with('/') && line.ends_with(':')) folder = line.substr(0, line.size() - 1);
      continue;
    }
    // Names in /proc hold no spaces.
    std::string_view name = line.substr(0, arrow);
    const size_t space = name.rfind(' ');
    if (space != std::string_view::npos) name.remove_prefix(space + 1);
    if (name.empty()) continue;
    links.push_back({name.starts_with('/') ? std::string(name) : fmt::format("{}/{}", folder, name),
                     std::string(line.substr(arrow + kArrow.size()))});
  }
  return links;
}

}  // namespace ekshume::live::kubernetes
