// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace ekshume::server {

// A file of the page, as Vite built it from web/ and tools/embed-page put it into the program.
struct PageFile {
  std::string_view path;  // "/index.html", "/assets/index-Ab12.js"
  std::string_view type;  // for Content-Type
  std::string_view content;
};

// All of them; empty when the page was not built (no npm).
std::span<const PageFile> PageFiles();

}  // namespace ekshume::server
