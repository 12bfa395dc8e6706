// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"

// What a container's own tools print when several files are asked for at once: each after a line
// "BOUNDARY NAME", where the boundary is random, so that no file holds it by chance. All of it is
// hostile: whoever is in the container may print what he likes.
namespace ekshume::live::kubernetes {

// One section of an answer: [offset, offset + size) of it.
struct Section {
  std::string name;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
};

inline constexpr size_t kMostSections = 1000000;          // of one answer; the rest is not read
inline constexpr size_t kMostSectionNameBytes = 4 << 10;  // a longer name is cut

// The sections in their order. The newline before a boundary belongs to neither section. Reads
// `window_bytes` at a time.
Result<std::vector<Section>> FindSections(const image::Image& answer, std::string_view boundary,
                                          size_t window_bytes = size_t{1} << 20);

// A symbolic link as ls -l shows it ("... NAME -> TARGET", below a line "FOLDER:" where it is in a
// listed folder) or as "PATH -> TARGET".
struct Link {
  std::string path;  // "/proc/7/fd/3"
  std::string target;
};
// A target that holds a newline is cut there.
std::vector<Link> ParseLinks(std::string_view listing);

}  // namespace ekshume::live::kubernetes
