// SPDX-License-Identifier: Apache-2.0
#include "live/snapshot/snapshot_blocks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "base/text.h"
#include "image/decoded_cache.h"
#include "image/temporary_file.h"

namespace ekshume::live::snapshot {
namespace {

constexpr std::string_view kListMagic = "ekshume-snapshot-list 1";

Result<image::FileDescriptor> OpenKept(image::Scratch* scratch, const std::string& name) {
  if (scratch == nullptr) return image::OpenTemporaryFile();
  bool existed = false;
  return image::FileDescriptor(EKSHUME_TRY(scratch->Open(name, existed)));
}

uint64_t SizeOf(const image::FileDescriptor& file) {
  const off_t end = lseek(file.number(), 0, SEEK_END);
  return end < 0 ? 0 : static_cast<uint64_t>(end);
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool IsSnapshotId(std::string_view text) {
  constexpr std::string_view kPrefix = "snap-";
  if (!text.starts_with(kPrefix) || text.size() < kPrefix.size() + 8 || text.size() > 40) {
    return false;
  }
  return std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

SnapshotBlocks::SnapshotBlocks(const aws::Client& client, std::string snapshot)
    : client_(client), snapshot_(std::move(snapshot)) {}

Result<std::unique_ptr<SnapshotBlocks>> SnapshotBlocks::Open(const aws::Client& client,
                                                             const std::string& snapshot,
                                                             image::Scratch* scratch,
                                                             aws::ServiceError* failure) {
  std::unique_ptr<SnapshotBlocks> made(new SnapshotBlocks(client, snapshot));
  made->list_ = EKSHUME_TRY(OpenKept(scratch, snapshot + ".list"));
  made->digests_ = EKSHUME_TRY(OpenKept(scratch, snapshot + ".digests"));
  made->blocks_ = EKSHUME_TRY(OpenKept(scratch, snapshot + ".blocks"));
  if (!EKSHUME_TRY(made->LoadList())) EKSHUME_TRY(made->AskForList(failure));
  if (ftruncate(made->blocks_.number(), static_cast<off_t>(made->volume_bytes_)) != 0) {
    return Fail(ErrorCode::kIo,
                fmt::format("cannot make a sparse file of {}", HumanBytes(made->volume_bytes_)));
  }
  return made;
}

void SnapshotBlocks::UseTable(aws::BlockTable table) {
  volume_bytes_ = table.volume_bytes();
  block_bytes_ = table.block_bytes();
  indexes_.clear();
  indexes_.reserve(table.size());
  for (size_t i = 0; i < table.size(); ++i) indexes_.push_back(table.index(i));
  table_ = std::make_shared<const aws::BlockTable>(std::move(table));
}

// False when there is no whole list of this snapshot.
Result<bool> SnapshotBlocks::LoadList() {
  const uint64_t size = SizeOf(list_);
  if (size == 0 || size > limits::kMaxIndexTableBytes) return false;
  std::string text(size, '\0');
  EKSHUME_TRY(image::ReadFully(list_.number(), 0, AsWritableBytes(text), snapshot_ + ".list"));
  std::vector<std::string_view> lines = SplitNonEmpty(text, '\n');
  if (lines.size() < 2 || lines.back() != fmt::format("end {}", lines.size() - 2)) return false;
  const std::vector<std::string_view> head = SplitNonEmpty(lines.front(), ',');
  if (head.size() != 4 || head[0] != kListMagic || head[1] != snapshot_) return false;
  const auto volume = Number(head[2]);
  const auto block = Number(head[3]);
  if (!volume || !block || *block < 512 || *block > (1 << 30) || *volume <= 0 ||
      static_cast<uint64_t>(*volume) > limits::kMaxDecodedBytes) {
    return false;
  }
  aws::BlockTable table(static_cast<uint64_t>(*volume), static_cast<uint32_t>(*block));
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    const size_t space = lines[i].find(' ');
    if (space == std::string_view::npos) return false;
    const auto index = Number(lines[i].substr(0, space));
    if (!index || !table.Add(*index, lines[i].substr(space + 1))) return false;
  }
  UseTable(std::move(table));
  return true;
}

Result<void> SnapshotBlocks::AskForList(aws::ServiceError* failure) {
  aws::BlockTable table = EKSHUME_TRY(aws::ListSnapshotBlocks(client_, snapshot_, failure));
  EKSHUME_TRY(SaveList(table));
  UseTable(std::move(table));
  return {};
}

Result<void> SnapshotBlocks::SaveList(const aws::BlockTable& table) {
  std::string text = fmt::format("{},{},{},{}\n", kListMagic, snapshot_, table.volume_bytes(),
                                 table.block_bytes());
  for (size_t i = 0; i < table.size(); ++i) {
    // A token with a line end would not come back; such a list is asked for each time.
    if (table.token(i).find('\n') != std::string_view::npos) return {};
    fmt::format_to(std::back_inserter(text), "{} {}\n", table.index(i), table.token(i));
    if (text.size() > limits::kMaxIndexTableBytes) return {};
  }
  text += fmt::format("end {}\n", table.size());
  if (ftruncate(list_.number(), 0) != 0) return Fail(ErrorCode::kIo, "cannot empty a list");
  return image::WriteFully(list_.number(), 0, ByteView::Of(text), snapshot_ + ".list");
}

Result<std::optional<Sha256Digest>> SnapshotBlocks::DigestOf(uint32_t index) const {
  Sha256Digest digest{};
  const uint64_t offset = uint64_t{index} * digest.size();
  if (offset + digest.size() > SizeOf(digests_)) return std::nullopt;
  EKSHUME_TRY(image::ReadFully(digests_.number(), offset, digest, snapshot_ + ".digests"));
  if (digest == Sha256Digest{}) return std::nullopt;
  return digest;
}

// False when the block is not kept, or not as it was fetched.
Result<bool> SnapshotBlocks::ReadKept(uint32_t index, std::span<std::byte> out) const {
  const std::optional<Sha256Digest> digest = EKSHUME_TRY(DigestOf(index));
  if (!digest) return false;
  EKSHUME_TRY(image::ReadFully(blocks_.number(), uint64_t{index} * block_bytes_, out,
                               snapshot_ + ".blocks"));
  return Sha256::Of(ByteView(out)) == *digest;
}

Result<std::string> SnapshotBlocks::Fetch(uint32_t index, aws::ServiceError* failure) {
  aws::ServiceError said;
  for (bool listed_anew = false;; listed_anew = true) {
    std::shared_ptr<const aws::BlockTable> table;
    {
      const std::lock_guard lock(mutex_);
      table = table_;
    }
    const std::optional<size_t> position = table->Find(index);
    if (!position) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{} has no block {}", snapshot_, index));
    }
    auto bytes = aws::GetSnapshotBlock(client_, snapshot_, index, table->token(*position),
                                       block_bytes_, &said);
    if (failure != nullptr) *failure = said;
    // A token that is not taken any more: tokens end after seven days.
    const bool token_refused =
        !bytes && said.status == 400 && (said.code == "ValidationException" || said.code.empty());
    if (!token_refused || listed_anew) return bytes;
    aws::BlockTable fresh = EKSHUME_TRY(aws::ListSnapshotBlocks(client_, snapshot_));
    if (fresh.volume_bytes() != volume_bytes_ || fresh.block_bytes() != block_bytes_) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{} has another size than before", snapshot_));
    }
    const std::lock_guard lock(mutex_);
    EKSHUME_TRY(SaveList(fresh));
    table_ = std::make_shared<const aws::BlockTable>(std::move(fresh));
  }
}

Result<std::string> SnapshotBlocks::FetchOnce(uint32_t index, aws::ServiceError* failure) {
  {
    std::unique_lock lock(mutex_);
    if (in_flight_.contains(index)) {
      landed_.wait(lock, [&] { return !in_flight_.contains(index); });
      return std::string();
    }
    in_flight_.insert(index);
  }
  Result<std::string> bytes = Fetch(index, failure);
  if (bytes) {
    const Sha256Digest digest = Sha256::Of(ByteView::Of(*bytes));
    Result<void> kept = image::WriteFully(blocks_.number(), uint64_t{index} * block_bytes_,
                                          ByteView::Of(*bytes), snapshot_ + ".blocks");
    if (kept) {
      kept = image::WriteFully(digests_.number(), uint64_t{index} * digest.size(), ByteView(digest),
                               snapshot_ + ".digests");
    }
    if (!kept) bytes = kept.error();
    fetched_.fetch_add(1);
  }
  {
    const std::lock_guard lock(mutex_);
    in_flight_.erase(index);
  }
  landed_.notify_all();
  return bytes;
}

Result<std::vector<std::byte>> SnapshotBlocks::Get(uint32_t index) {
  std::vector<std::byte> out(block_bytes_);
  if (!std::ranges::binary_search(indexes_, index)) return out;
  // Another thread's fetch may have failed where ours will not, hence more than one round.
  for (int round = 0; round < 3; ++round) {
    if (EKSHUME_TRY(ReadKept(index, out))) return out;
    const std::string bytes = EKSHUME_TRY(FetchOnce(index, nullptr));
    if (bytes.size() == out.size()) {
      CopyBytes(out, ByteView::Of(bytes));
      return out;
    }
  }
  return Fail(ErrorCode::kIo, fmt::format("block {} of {} could not be fetched", index, snapshot_));
}

Result<void> SnapshotBlocks::Ensure(uint32_t index, aws::ServiceError* failure) {
  std::vector<std::byte> kept(block_bytes_);
  if (EKSHUME_TRY(ReadKept(index, kept))) return {};
  EKSHUME_TRY(FetchOnce(index, failure));
  return {};
}

}  // namespace ekshume::live::snapshot
