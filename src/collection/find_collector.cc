// SPDX-License-Identifier: Apache-2.0
#include "collection/find_collector.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/text.h"

namespace ekshume::collection {

Result<std::string> FindCollectorProgram(std::string_view architecture) {
  if (architecture == "amd64") architecture = "x86_64";
  if (architecture == "arm64") architecture = "aarch64";
  if (architecture != "x86_64" && architecture != "aarch64") {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("there is no collector for {}", EscapeForTerminal(architecture)));
  }
  std::vector<std::string> folders;
  if (const char* folder = std::getenv("EKSHUME_LIBEXEC"); folder != nullptr && *folder != '\0') {
    folders.emplace_back(folder);
  }
  std::array<char, 4096> program{};
  const ssize_t length = readlink("/proc/self/exe", program.data(), program.size());
  if (length > 0) {
    const std::string_view path(program.data(), static_cast<size_t>(length));
    folders.push_back(fmt::format("{}/../libexec/ekshume", path.substr(0, path.rfind('/'))));
  }
  std::string looked;
  for (const std::string& folder : folders) {
    std::string path = fmt::format("{}/ekshume-collect-{}", folder, architecture);
    if (access(path.c_str(), R_OK) == 0) return path;
    looked += fmt::format("{}{}", looked.empty() ? "" : ", ", path);
  }
  return Fail(ErrorCode::kNotFound,
              fmt::format("the collector is not there: {} (set EKSHUME_LIBEXEC)", looked));
}

Result<std::string> ReadCollectorProgram(const std::string& path) {
  constexpr size_t kMaxProgramBytes = size_t{64} << 20;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return Fail(ErrorCode::kNotFound, fmt::format("cannot read the collector {}", path));
  std::string bytes = std::move(text).str();
  if (bytes.empty() || bytes.size() > kMaxProgramBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no collector: {} bytes", path, bytes.size()));
  }
  return bytes;
}

}  // namespace ekshume::collection
