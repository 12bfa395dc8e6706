// SPDX-License-Identifier: Apache-2.0
#include "live/wire/surroundings.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/limits.h"

namespace ekshume::live::wire {
namespace {

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Result<std::string> ReadFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return Fail(ErrorCode::kNotFound, fmt::format("no such file: {}", path));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 16384> part{};
  while (file.read(part.data(), part.size()) || file.gcount() > 0) {
    text.append(part.data(), static_cast<size_t>(file.gcount()));
    if (text.size() > limits::kMaxDocumentBytes) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("{} is larger than {} bytes", path, limits::kMaxDocumentBytes));
    }
  }
  if (file.bad() || (!file.eof() && text.empty())) {
    return Fail(ErrorCode::kIo, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  return text;
}

Result<std::string> RunCommand(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return Fail(ErrorCode::kIo, "cannot start a command");
  std::string text;
  std::array<char, 4096> part{};
  size_t got = 0;
  while ((got = std::fread(part.data(), 1, part.size(), pipe)) > 0) {
    if (text.size() < limits::kMaxSmallFileBytes) text.append(part.data(), got);
  }
  const int status = pclose(pipe);
  if (status != 0) {
    return Fail(ErrorCode::kIo, fmt::format("the command ended with status {}", status));
  }
  return text;
}

}  // namespace

Surroundings Surroundings::OfProcess() {
  return Surroundings{.variable = Variable, .read_file = ReadFile, .run = RunCommand};
}

}  // namespace ekshume::live::wire
