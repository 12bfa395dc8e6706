// SPDX-License-Identifier: Apache-2.0
#include "live/aws/ebs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/hash.h"
#include "base/limits.h"
#include "live/wire/json.h"
#include "live/wire/page_count.h"

namespace ekshume::live::aws {
namespace {

constexpr int kMaxResults = 10000;  // the service's most
// Blocks are of 512 KiB today; others would be powers of two not far from it.
constexpr int64_t kMinBlockBytes = 4096;
constexpr int64_t kMaxBlockBytes = int64_t{16} << 20;
constexpr size_t kMaxTokenBytes = 1024;
constexpr int kChecksumAttempts = 4;

Call EbsCall(std::string_view action, std::string path, Parameters query) {
  Call call;
  call.service = "ebs";
  call.permission = fmt::format("ebs:{}", action);
  call.method = "GET";
  call.path = std::move(path);
  call.query = std::move(query);
  return call;
}

struct Geometry {
  uint64_t volume_bytes = 0;
  uint32_t block_bytes = 0;
};

Result<Geometry> GeometryOf(const wire::Json& json, std::string_view call) {
  const int64_t gibibytes = wire::IntegerOf(json, "VolumeSize");
  const int64_t block = wire::IntegerOf(json, "BlockSize");
  if (block < kMinBlockBytes || block > kMaxBlockBytes || (block & (block - 1)) != 0 ||
      gibibytes <= 0) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} answered a volume of {} GiB in blocks of {}",
                                                 call, gibibytes, block));
  }
  if (gibibytes > static_cast<int64_t>(limits::kMaxDecodedBytes >> 30)) {
    return Fail(ErrorCode::kLimit,
                fmt::format("a volume of {} GiB is more than kMaxDecodedBytes", gibibytes));
  }
  return Geometry{static_cast<uint64_t>(gibibytes) << 30, static_cast<uint32_t>(block)};
}

// Asks page after page; `take` gets each.
template <typename Take>
Result<void> ForEachPage(const Client& client, std::string_view action, const std::string& path,
                         const Parameters& query, Take take, ServiceError* failure) {
  std::string next;
  for (wire::PageCount pages(fmt::format("ebs:{}", action));;) {
    EKSHUME_TRY(pages.Another());
    Parameters asked = query;
    asked.emplace_back("maxResults", fmt::format("{}", kMaxResults));
    if (!next.empty()) asked.emplace_back("pageToken", next);
    const Call call = EbsCall(action, path, std::move(asked));
    const http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
    const wire::Json json = EKSHUME_TRY(wire::ParseJson(answer.body, call.permission));
    EKSHUME_TRY(take(json));
    next = wire::TextOf(json, "NextToken");
    if (next.empty()) return {};
  }
}

}  // namespace

std::optional<size_t> BlockTable::Find(uint32_t index) const {
  const auto found = std::ranges::lower_bound(indexes_, index);
  if (found == indexes_.end() || *found != index) return std::nullopt;
  return static_cast<size_t>(found - indexes_.begin());
}

std::optional<uint32_t> BlockTable::FirstFrom(uint32_t index) const {
  const auto found = std::ranges::lower_bound(indexes_, index);
  return found == indexes_.end() ? std::nullopt : std::optional(*found);
}

Result<void> BlockTable::Add(int64_t index, std::string_view token) {
  const auto block_count = static_cast<int64_t>(volume_bytes_ / block_bytes_);
  if (index < 0 || index >= block_count || token.empty() || token.size() > kMaxTokenBytes ||
      (!indexes_.empty() && index <= static_cast<int64_t>(indexes_.back()))) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("ebs: block {} with a token of {} bytes makes no sense after block {}",
                            index, token.size(), indexes_.empty() ? 0 : indexes_.back()));
  }
  indexes_.push_back(static_cast<uint32_t>(index));
  tokens_ += token;
  token_ends_.push_back(tokens_.size());
  token_sizes_.push_back(static_cast<uint16_t>(token.size()));
  return {};
}

Result<BlockTable> ListSnapshotBlocks(const Client& client, const std::string& snapshot,
                                      ServiceError* failure) {
  std::optional<BlockTable> table;
  const auto take = [&](const wire::Json& json) -> Result<void> {
    if (!table) {
      const Geometry geometry = EKSHUME_TRY(GeometryOf(json, "ebs:ListSnapshotBlocks"));
      table.emplace(geometry.volume_bytes, geometry.block_bytes);
    }
    for (const wire::Json& block : wire::ArrayOf(json, "Blocks")) {
      EKSHUME_TRY(
          table->Add(wire::IntegerOf(block, "BlockIndex", -1), wire::TextOf(block, "BlockToken")));
    }
    return {};
  };
  EKSHUME_TRY(ForEachPage(client, "ListSnapshotBlocks",
                          fmt::format("/snapshots/{}/blocks", snapshot), {}, take, failure));
  return *std::move(table);
}

Result<ChangedBlocks> ListChangedBlocks(const Client& client, const std::string& first,
                                        const std::string& second, ServiceError* failure) {
  ChangedBlocks changed;
  const auto take = [&](const wire::Json& json) -> Result<void> {
    const Geometry geometry = EKSHUME_TRY(GeometryOf(json, "ebs:ListChangedBlocks"));
    changed.volume_bytes = geometry.volume_bytes;
    changed.block_bytes = geometry.block_bytes;
    for (const wire::Json& block : wire::ArrayOf(json, "ChangedBlocks")) {
      const int64_t index = wire::IntegerOf(block, "BlockIndex", -1);
      if (index < 0 || index >= static_cast<int64_t>(changed.volume_bytes / changed.block_bytes)) {
        return Fail(ErrorCode::kCorrupt,
                    fmt::format("ebs:ListChangedBlocks answered block {}", index));
      }
      changed.blocks.push_back({static_cast<uint32_t>(index),
                                wire::TextOf(block, "FirstBlockToken"),
                                wire::TextOf(block, "SecondBlockToken")});
    }
    return {};
  };
  EKSHUME_TRY(ForEachPage(client, "ListChangedBlocks",
                          fmt::format("/snapshots/{}/changedblocks", second),
                          {{"firstSnapshotId", first}}, take, failure));
  std::ranges::sort(changed.blocks, {}, &ChangedBlock::index);
  return changed;
}

Result<std::string> GetSnapshotBlock(const Client& client, const std::string& snapshot,
                                     uint32_t index, std::string_view token, uint32_t block_bytes,
                                     ServiceError* failure) {
  const Call call =
      EbsCall("GetSnapshotBlock", fmt::format("/snapshots/{}/blocks/{}", snapshot, index),
              {{"blockToken", std::string(token)}});
  std::string wrong;
  for (int attempt = 0; attempt < kChecksumAttempts; ++attempt) {
    http::Answer answer = EKSHUME_TRY(client.Send(call, failure));
    const std::string_view algorithm = answer.Header("x-amz-checksum-algorithm");
    const std::string expected(answer.Header("x-amz-checksum"));
    const std::string actual = EncodeBase64(ByteView(Sha256::Of(ByteView::Of(answer.body))));
    if (algorithm == "SHA256" && expected == actual && answer.body.size() == block_bytes) {
      return std::move(answer.body);
    }
    wrong = fmt::format(
        "block {} of {}: {} bytes with {} checksum {}, expected {} bytes with SHA256 {}", index,
        snapshot, answer.body.size(), algorithm.empty() ? "no" : algorithm, actual, block_bytes,
        expected);
    if (client.settings().diagnostics != nullptr) {
      client.settings().diagnostics->Report(DiagnosticCode::kAcquireRetried, call.permission,
                                            wrong);
    }
  }
  return Fail(ErrorCode::kCorrupt, wrong);
}

}  // namespace ekshume::live::aws
