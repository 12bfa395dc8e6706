// SPDX-License-Identifier: Apache-2.0
// The steps of an investigation, each on the demo node: XFS with a dirty log, containerd.
#include <benchmark/benchmark.h>

#include "casefile/changes.h"
#include "casefile/container_view.h"
#include "casefile/evidence.h"
#include "fs/walk.h"
#include "runtime/format.h"

namespace ekshume {
namespace {

constexpr const char* kImage = EKSHUME_SOURCE_DIR "/tests/data/demo-node.img.zst";

std::unique_ptr<casefile::Evidence> OpenDemo(benchmark::State& state, DiagnosticSink& diagnostics) {
  auto evidence = casefile::Evidence::Open({kImage}, {}, diagnostics);
  if (evidence) return *std::move(evidence);
  state.SkipWithError(evidence.error().message.c_str());
  return nullptr;
}

void OpenAndReplay(benchmark::State& state) {
  for (auto _ : state) {
    DiagnosticSink diagnostics;
    if (OpenDemo(state, diagnostics) == nullptr) return;
  }
}
BENCHMARK(OpenAndReplay)->Unit(benchmark::kMillisecond);

void WalkHost(benchmark::State& state) {
  DiagnosticSink diagnostics;
  const auto evidence = OpenDemo(state, diagnostics);
  if (evidence == nullptr) return;
  const fs::Filesystem& root = *evidence->Select(std::nullopt).value()->filesystem;
  int64_t names = 0;
  for (auto _ : state) {
    const auto walked = fs::Walk(root, root.root(), diagnostics, [&](const fs::WalkItem&) {
      ++names;
      return fs::WalkStep::kContinue;
    });
    if (!walked) state.SkipWithError(walked.error().message.c_str());
  }
  state.SetItemsProcessed(names);
}
BENCHMARK(WalkHost)->Unit(benchmark::kMicrosecond);

void ReadStores(benchmark::State& state) {
  DiagnosticSink diagnostics;
  const auto evidence = OpenDemo(state, diagnostics);
  if (evidence == nullptr) return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(runtime::ReadNode(evidence->filesystems(), diagnostics));
  }
}
BENCHMARK(ReadStores)->Unit(benchmark::kMillisecond);

void DiffAllContainers(benchmark::State& state) {
  DiagnosticSink diagnostics;
  const auto evidence = OpenDemo(state, diagnostics);
  if (evidence == nullptr) return;
  const auto inventory = runtime::ReadNode(evidence->filesystems(), diagnostics);
  for (auto _ : state) {
    for (const runtime::Container& container : inventory.containers) {
      const auto view = casefile::OpenContainer(container, diagnostics);
      if (!view) continue;
      benchmark::DoNotOptimize(casefile::FindChanges(container, *view, diagnostics, nullptr));
    }
  }
}
BENCHMARK(DiffAllContainers)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ekshume
