// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/collector_run.h"

#include <fmt/format.h>

#include <memory>

#include "base/limits.h"
#include "base/text.h"
#include "collection/find_collector.h"
#include "collection/reader.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kParts = 5;

std::string Architecture(Client& client, const std::string& name) {
  const auto node = client.Get(PathOf({"api", "v1", "nodes", name}));
  if (!node) return "x86_64";
  const std::string architecture =
      aws::TextOf(aws::ObjectOf(aws::ObjectOf(*node, "status"), "nodeInfo"), "architecture");
  return architecture.empty() ? "x86_64" : architecture;
}

}  // namespace

Result<ExecOutcome> CollectorRun::RunIn(const Place& place, std::vector<std::string> command,
                                        std::string_view input,
                                        std::function<Result<void>(ByteView)> output) {
  const std::string authorization = EKSHUME_TRY(client_.Authorization());
  const ExecRequest exec{
      .path = PathOf({"api", "v1", "namespaces", place.in_namespace, "pods", place.pod, "exec"}),
      .container = place.container,
      .command = std::move(command),
      .input = input,
      .output = std::move(output)};
  return Exec(client_.access(), authorization, exec, &progress_);
}

Result<std::string> CollectorRun::Shell(const Place& place, const std::string& script,
                                        std::string_view input) {
  std::string text;
  const ExecOutcome outcome =
      EKSHUME_TRY(RunIn(place, {"sh", "-c", script}, input, [&](ByteView bytes) -> Result<void> {
        if (text.size() < limits::kMaxSmallFileBytes) text += bytes.AsText();
        return {};
      }));
  if (outcome.exit_code != 0) {
    return Fail(ErrorCode::kIo,
                fmt::format("a command in {}/{} ended with {}: {}", place.in_namespace, place.pod,
                            outcome.exit_code, EscapeForTerminal(outcome.errors)));
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<std::string> CollectorRun::ReadCollector(const std::string& node) {
  const std::string path =
      options_.collector.empty()
          ? EKSHUME_TRY(collection::FindCollectorProgram(Architecture(client_, node)))
          : options_.collector;
  return collection::ReadCollectorProgram(path);
}

Result<void> CollectorRun::Send(const Place& place, std::string_view program) {
  // v4 of the protocol has no end of input: head knows how much to read.
  EKSHUME_TRY(Shell(
      place,
      fmt::format("head -c {} > {} && chmod 700 {}", program.size(), place.program, place.program),
      program));
  return {};
}

Result<void> CollectorRun::Collect(const Place& place) {
  std::vector<std::string> names;
  int empty = 0;
  for (int part = 1; part <= kParts; ++part) {
    std::vector<std::string> command{place.program};
    command.insert(command.end(), place.arguments.begin(), place.arguments.end());
    command.insert(command.end(), {"--memory", options_.memory});
    command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
    std::string skip;
    if (part > 1) {
      const Received received = EKSHUME_TRY(Read(names));
      command.insert(command.end(), {"--skip", "-", "--resumes", received.stream_id, "--part",
                                     fmt::format("{}", part)});
      skip = received.members;
    }
    const std::string name = fmt::format("collection/part-{}.ekc", part);
    const auto file = EKSHUME_TRY(acquisition_.Create(
        name, fmt::format("{}/{} container {}", place.in_namespace, place.pod, place.container)));
    const auto outcome =
        RunIn(place, command, skip, [&](ByteView bytes) { return file->Write(bytes); });
    if (!outcome && file->size_bytes() == 0) {
      if (part == kParts || outcome.error().code != ErrorCode::kIo) return outcome.error();
      --part;
      if (++empty > kParts) return outcome.error();
      continue;
    }
    EKSHUME_TRY(file->Finish());
    names.push_back(name);
    if (outcome && outcome->exit_code > 1) {
      return Fail(ErrorCode::kIo, fmt::format("the collector ended with {}: {}", outcome->exit_code,
                                              EscapeForTerminal(outcome->errors)));
    }
    if (EKSHUME_TRY(Read(names)).complete) return {};
    if (!outcome && outcome.error().code != ErrorCode::kIo) return outcome.error();
    diagnostics_.Report(DiagnosticCode::kAcquireCut, name,
                        outcome ? "the stream has no trailer" : outcome.error().message);
  }
  return Fail(ErrorCode::kIo, fmt::format("the stream was cut {} times", kParts));
}

// What the parts hold so far.
Result<CollectorRun::Received> CollectorRun::Read(const std::vector<std::string>& names) {
  DiagnosticSink quiet;  // a cut is what we look for
  std::vector<std::unique_ptr<image::Image>> opened;
  std::vector<const image::Image*> parts;
  for (const std::string& name : names) {
    // As it is stored: image::Open would unpack the frames.
    auto file = EKSHUME_TRY(
        image::EvidenceFile::Open(fmt::format("{}/{}", acquisition_.directory(), name)));
    opened.push_back(std::make_unique<image::raw::RawImage>(std::move(file)));
    parts.push_back(opened.back().get());
  }
  const auto reader = EKSHUME_TRY(collection::Reader::Open(parts, quiet));
  Received received;
  received.complete = reader->IsComplete(reader->part_count() - 1);
  for (const unsigned char byte : reader->part(0).opening().stream_id) {
    received.stream_id += fmt::format("{:02x}", byte);
  }
  for (const std::string& member : reader->Received()) {
    if (member.find('\n') != std::string::npos) continue;  // it comes again
    received.members += member;
    received.members += '\n';
  }
  received.members += '\n';
  return received;
}

}  // namespace ekshume::live::kubernetes
