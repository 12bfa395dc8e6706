// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/collector_run.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"
#include "collection/find_collector.h"
#include "live/acquire/collection_parts.h"

namespace ekshume::live::kubernetes {
namespace {

constexpr int kParts = 5;

std::string Architecture(Client& client, const std::string& name) {
  const auto node = client.Get(PathOf({"api", "v1", "nodes", name}));
  if (!node) return "x86_64";
  const std::string architecture =
      wire::TextOf(wire::ObjectOf(wire::ObjectOf(*node, "status"), "nodeInfo"), "architecture");
  return architecture.empty() ? "x86_64" : architecture;
}

ExecRequest ExecIn(const Place& place, std::vector<std::string> command, std::string_view input,
                   std::function<Result<void>(ByteView)> output) {
  return {
      .path = PathOf({"api", "v1", "namespaces", place.in_namespace, "pods", place.pod, "exec"}),
      .container = place.container,
      .command = std::move(command),
      .input = input,
      .output = std::move(output)};
}

}  // namespace

Result<ExecOutcome> CollectorRun::RunIn(const Place& place, std::vector<std::string> command,
                                        std::string_view input,
                                        std::function<Result<void>(ByteView)> output) {
  return client_.Run(ExecIn(place, std::move(command), input, std::move(output)), &progress_);
}

Result<std::string> CollectorRun::Shell(const Place& place, const std::string& script,
                                        std::string_view input, const Progress* progress) {
  std::string text;
  const auto keep = [&](ByteView bytes) -> Result<void> {
    if (text.size() < limits::kMaxSmallFileBytes) text += bytes.AsText();
    return {};
  };
  const ExecOutcome outcome =
      EKSHUME_TRY(client_.Run(ExecIn(place, {"sh", "-c", script}, input, keep), progress));
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

Result<void> CollectorRun::Collect(const Place& place, std::string_view folder,
                                   std::vector<std::string> earlier) {
  std::vector<std::string> names = std::move(earlier);
  const int first = static_cast<int>(names.size()) + 1;
  const int last = first + kParts - 1;
  int empty = 0;
  for (int part = first; part <= last; ++part) {
    std::vector<std::string> command{place.program};
    command.insert(command.end(), place.arguments.begin(), place.arguments.end());
    command.insert(command.end(), {"--memory", options_.memory});
    command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
    std::string skip;
    if (part > 1) {
      const CollectionParts received =
          EKSHUME_TRY(ReadCollectionParts(acquisition_.directory(), names));
      command.insert(command.end(), {"--skip", "-", "--resumes", received.stream_id, "--part",
                                     fmt::format("{}", part)});
      skip = received.members;
    }
    const std::string name = fmt::format("{}/part-{}.ekc", folder, part);
    const auto file = EKSHUME_TRY(acquisition_.Create(
        name, fmt::format("{}/{} container {}", place.in_namespace, place.pod, place.container)));
    const auto outcome =
        RunIn(place, command, skip, [&](ByteView bytes) { return file->Write(bytes); });
    if (!outcome && file->size_bytes() == 0) {
      if (part == last || outcome.error().code != ErrorCode::kIo) return outcome.error();
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
    if (EKSHUME_TRY(ReadCollectionParts(acquisition_.directory(), names)).complete) {
      return Verify(names);
    }
    if (!outcome && outcome.error().code != ErrorCode::kIo) return outcome.error();
    diagnostics_.Report(DiagnosticCode::kAcquireCut, name,
                        outcome ? "the stream has no trailer" : outcome.error().message);
  }
  return Fail(ErrorCode::kIo, fmt::format("the stream was cut {} times", kParts));
}

// A stream over exec has no length and no hash of its own: the trailer and the manifest have them.
Result<void> CollectorRun::Verify(const std::vector<std::string>& names) {
  const OpenedParts parts = EKSHUME_TRY(OpenCollectionParts(acquisition_.directory(), names));
  DiagnosticSink found;
  EKSHUME_TRY(parts.reader->Verify(found));
  for (const Diagnostic& diagnostic : found.Sorted()) {
    if (diagnostic.code == DiagnosticCode::kCollectionIncomplete) {
      diagnostics_.Report(diagnostic);  // the collector says so itself
    } else {
      acquisition_.Failed(fmt::format("checking {}", diagnostic.evidence), diagnostic.detail);
    }
  }
  const collection::Reader& reader = *parts.reader;
  const auto& trailer = reader.part(reader.part_count() - 1).trailer();
  if (trailer) {
    acquisition_.Note("checked",
                      fmt::format("{} parts, {} members; the last part's tar stream has "
                                  "{} bytes, SHA-256 {}",
                                  reader.part_count(), reader.members().size(),
                                  trailer->tar_bytes.value(), ToHex(AsBytes(trailer->tar_sha256))));
  }
  return {};
}

}  // namespace ekshume::live::kubernetes
