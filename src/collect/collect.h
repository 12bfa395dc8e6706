// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "collect/options.h"
#include "collection/byte_sink.h"

namespace ekshume::collect {

struct Summary {
  uint64_t processes = 0;
  uint64_t members = 0;
  uint64_t tar_bytes = 0;
  uint64_t stream_bytes = 0;
  uint64_t losses = 0;  // lines of skipped.jsonl with severity "loss"
  bool ended_early = false;
  std::string stream_id;  // hexadecimal
};

// Collects what `options` ask for, in the order of volatility, into one stream (docs/formats/
// collection.md). Fails only when the stream cannot be written. Set `cancelled` to end early: the
// archive is then closed properly. Uses about 16 MiB besides a few bytes for each process and
// socket. Writes nothing but the stream.
Result<Summary> Collect(const Options& options, collection::ByteSink& sink,
                        const std::atomic<bool>& cancelled);

}  // namespace ekshume::collect
