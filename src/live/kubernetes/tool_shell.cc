// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/tool_shell.h"

#include <fmt/format.h>

#include <random>

#include "base/text.h"
#include "image/evidence_file.h"
#include "live/kubernetes/tool_scripts.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kTries = 3;

std::string RandomHex(int words) {
  std::random_device source;
  std::string text;
  for (int i = 0; i < words; ++i) text += fmt::format("{:08x}", source());
  return text;
}

}  // namespace

ToolShell::ToolShell(const Place& place, CollectorRun& run, Acquisition& acquisition,
                     uint64_t most_bytes)
    : place_(place),
      run_(run),
      acquisition_(acquisition),
      most_bytes_(most_bytes),
      boundary_(fmt::format("--ekshume-{}", RandomHex(4))) {}

Result<ToolShell::Answer> ToolShell::Ask(const std::string& name, std::string_view script,
                                         const std::vector<std::string>& arguments) {
  const std::string path = fmt::format("answers/{}", name);
  std::vector<std::string> command = {"sh", "-c", fmt::format("{}{}", kPrelude, script), "sh",
                                      boundary_};
  command.insert(command.end(), arguments.begin(), arguments.end());
  for (int attempt = 1;; ++attempt) {
    const auto file = EKSHUME_TRY(
        acquisition_.Create(path, fmt::format("{}/{} container {}, its own shell",
                                              place_.in_namespace, place_.pod, place_.container)));
    ++commands_;
    const auto outcome = run_.RunIn(place_, command, {}, [&](ByteView bytes) -> Result<void> {
      if (file->size_bytes() + bytes.size() > most_bytes_) {
        return Fail(ErrorCode::kLimit, fmt::format("more than {} bytes", most_bytes_));
      }
      return file->Write(bytes);
    });
    if (!outcome) {
      if (outcome.error().code != ErrorCode::kIo || attempt == kTries) return outcome.error();
      continue;
    }
    if (outcome->exit_code == 3) return Fail(ErrorCode::kNotFound, "it is no file any more");
    if (outcome->exit_code != 0 && file->size_bytes() == 0) {
      return Fail(ErrorCode::kIo, fmt::format("its tools ended with {}: {}", outcome->exit_code,
                                              EscapeForTerminal(outcome->errors)));
    }
    errors_ = outcome->errors;
    exit_code_ = outcome->exit_code;
    EKSHUME_TRY(file->Finish());
    if (file->size_bytes() == 0) return Answer();
    auto opened = EKSHUME_TRY(
        image::EvidenceFile::Open(fmt::format("{}/{}", acquisition_.directory(), path)));
    return std::make_unique<image::raw::RawImage>(std::move(opened));
  }
}

Result<std::string> ToolShell::Say(const std::string& command) {
  ++commands_;
  return run_.Shell(place_, command);
}

}  // namespace ekshume::live::kubernetes
