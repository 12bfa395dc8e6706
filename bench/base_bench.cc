// SPDX-License-Identifier: Apache-2.0
// What every listing does for every name.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"

namespace ekshume {
namespace {

void EscapePlainPath(benchmark::State& state) {
  const std::string path =
      "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/42/fs/x";
  for (auto _ : state) {
    std::string out;
    AppendJsonEscaped(out, path);
    benchmark::DoNotOptimize(out);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(path.size()));
}
BENCHMARK(EscapePlainPath);

void FormatTime(benchmark::State& state) {
  Timestamp time{1795556399, 785895897};
  std::array<char, 48> buffer;
  for (auto _ : state) {
    ++time.seconds;
    benchmark::DoNotOptimize(FormatTimestampTo(time, buffer.data()));
  }
}
BENCHMARK(FormatTime);

void HashMegabyte(benchmark::State& state) {
  const std::vector<std::byte> bytes(size_t{1} << 20);
  for (auto _ : state) benchmark::DoNotOptimize(Sha256::Of(ByteView(bytes)));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(HashMegabyte);

void ChecksumOfInode(benchmark::State& state) {
  const std::vector<std::byte> bytes(512);
  for (auto _ : state) benchmark::DoNotOptimize(Crc32c(~0U, ByteView(bytes)));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(ChecksumOfInode);

}  // namespace
}  // namespace ekshume
