// SPDX-License-Identifier: Apache-2.0
#include "runtime/bolt/database.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/limits.h"
#include "runtime/bolt/format.h"

namespace ekshume::runtime::bolt {
namespace {

// FNV-1a, 64 bits (hash/fnv of Go), as meta.go computes the checksum.
uint64_t Fnv1a64(ByteView bytes) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte byte : bytes.AsSpan()) {
    hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3U;
  }
  return hash;
}

bool IsPageSize(uint64_t size) {
  return size >= kMinPageBytes && size <= kMaxPageBytes && std::has_single_bit(size);
}

}  // namespace

Result<std::string> Database::ReadBytes(uint64_t offset_bytes, uint64_t length) const {
  if (!RangeFits(offset_bytes, length, file_->size_bytes())) {
    return Fail(ErrorCode::kOutOfRange, fmt::format("{} bytes at {:#x} lie past the end at {:#x}",
                                                    length, offset_bytes, file_->size_bytes()));
  }
  if (length > limits::kMaxBoltBytes - loaded_bytes_) {
    return Fail(ErrorCode::kLimit, "more than kMaxBoltBytes of pages");
  }
  std::string bytes(length, '\0');
  const size_t count = EKSHUME_TRY(file_->ReadAt(offset_bytes, AsWritableBytes(bytes)));
  if (count != length) return Fail(ErrorCode::kOutOfRange, "the file ended early");
  return bytes;
}

Result<State> Database::ReadMeta(uint64_t offset_bytes) const {
  const std::string bytes = EKSHUME_TRY(ReadBytes(offset_bytes, sizeof(PageHeader) + sizeof(Meta)));
  const ByteView view = ByteView::Of(bytes);
  const auto meta = EKSHUME_TRY(view.Read<Meta>(sizeof(PageHeader)));
  if (meta.magic.value() != kMagic) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("bolt: bad magic at {:#x}: {:#010x}, expected {:#010x}",
                            offset_bytes + sizeof(PageHeader), meta.magic.value(), kMagic));
  }
  if (meta.version.value() != kVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("bolt: version {}, expected {}", meta.version.value(), kVersion));
  }
  const uint64_t checksum = Fnv1a64(AsBytes(meta).First(offsetof(Meta, checksum)));
  if (meta.checksum.value() != checksum) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("bolt: meta page at {:#x}: checksum {:#018x}, expected {:#018x}",
                            offset_bytes, meta.checksum.value(), checksum));
  }
  if (!IsPageSize(meta.pageSize.value())) {
    return Fail(ErrorCode::kCorrupt, fmt::format("bolt: page size {}", meta.pageSize.value()));
  }
  return State{.page_bytes = meta.pageSize.value(),
               .root = meta.root.root.value(),
               .sequence = meta.root.sequence.value(),
               .freelist = meta.freelist.value(),
               .high_water = meta.pgid.value(),
               .transaction = meta.txid.value()};
}

Result<void> Database::ChooseState() {
  const auto first = ReadMeta(0);
  Result<State> second = Fail(ErrorCode::kCorrupt, "bolt: no second meta page");
  if (first) {
    second = ReadMeta(first->page_bytes);
  } else {
    for (size_t size = kMinPageBytes; size <= kMaxPageBytes && !second; size *= 2) {
      if (auto meta = ReadMeta(size); meta && meta->page_bytes == size) second = *meta;
    }
  }
  std::vector<State> states;
  if (first) states.push_back(*first);
  if (second) states.push_back(*second);
  if (states.empty()) return first.error();
  if (states.size() == 1) {
    const Error& error = first ? second.error() : first.error();
    diagnostics_.Report(DiagnosticCode::kBoltMetaDamaged, name_, error.message);
  }
  std::ranges::sort(states, std::greater{}, &State::transaction);
  state_ = states.front();
  if (states.size() == 1) return {};
  if (ReadPage(state_.root)) {
    previous_ = states.back();
    return {};
  }
  diagnostics_.Report(DiagnosticCode::kBoltMetaDamaged, name_,
                      fmt::format("transaction {}: its root page {} cannot be read",
                                  state_.transaction, state_.root));
  state_ = states.back();
  return {};
}

Result<std::unique_ptr<Database>> Database::Open(std::unique_ptr<fs::File> file, std::string name,
                                                 DiagnosticSink& diagnostics) {
  std::unique_ptr<Database> database(new Database(std::move(file), std::move(name), diagnostics));
  EKSHUME_TRY(database->ChooseState());
  return database;
}

Bucket Database::RootOf(const State& state) const {
  return {this, state.root, nullptr, state.sequence, 0};
}

Result<std::string> Database::ReadPage(uint64_t page_number) const {
  const auto offset = CheckedMultiply(page_number, state_.page_bytes);
  if (!offset || page_number >= state_.high_water) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {} lies past the last page {}", page_number, state_.high_water));
  }
  const std::string head = EKSHUME_TRY(ReadBytes(*offset, sizeof(PageHeader)));
  const auto header = EKSHUME_TRY(ByteView::Of(head).Read<PageHeader>(0));
  if (header.id.value() != page_number) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {} calls itself {}", page_number, header.id.value()));
  }
  // 2^32 pages of 64 KiB fit 64 bits.
  const uint64_t length = (uint64_t{header.overflow.value()} + 1) * state_.page_bytes;
  return ReadBytes(*offset, length);
}

const Page* Database::GetPage(uint64_t page_number) const {
  const auto [at, is_new] = pages_.try_emplace(page_number);
  LoadedPage& loaded = at->second;
  if (is_new) {
    auto bytes = ReadPage(page_number);
    if (!bytes) {
      Report(page_number, bytes.error().message);
      return nullptr;
    }
    loaded.bytes = *std::move(bytes);
    loaded_bytes_ += loaded.bytes.size();
    auto page = ParsePage(ByteView::Of(loaded.bytes));
    if (!page) {
      Report(page_number, page.error().message);
      return nullptr;
    }
    if (!page->damage.empty()) Report(page_number, page->damage);
    loaded.page = *std::move(page);
  }
  return loaded.page ? &*loaded.page : nullptr;
}

uint64_t Database::PageSpan(uint64_t page_number) const {
  const auto found = pages_.find(page_number);
  if (found == pages_.end()) return 1;
  return std::max<uint64_t>(found->second.bytes.size() / state_.page_bytes, 1);
}

std::unique_ptr<const Page> Database::PeekPage(uint64_t page_number, std::string& storage) const {
  auto bytes = ReadPage(page_number);
  if (!bytes) return nullptr;
  storage = *std::move(bytes);
  auto page = ParsePage(ByteView::Of(storage));
  if (!page || !page->damage.empty()) return nullptr;
  return std::make_unique<const Page>(*std::move(page));
}

const Page* Database::InlinePage(ByteView bytes) const {
  const auto [at, is_new] = inline_pages_.try_emplace(bytes.data());
  if (is_new) {
    auto page = ParsePage(bytes);
    // An inline bucket is always one leaf.
    if (!page || !page->is_leaf) {
      Report(0, "inline bucket: " + (page ? "a branch page" : page.error().message));
    } else {
      if (!page->damage.empty()) Report(0, "inline bucket: " + page->damage);
      at->second = *std::move(page);
    }
  }
  return &at->second;
}

void Database::Report(uint64_t page_number, std::string detail) const {
  diagnostics_.Report(DiagnosticCode::kBoltPageDamaged, name_, std::move(detail),
                      CheckedMultiply(page_number, state_.page_bytes));
}

void Database::ReportLimit(std::string detail) const {
  diagnostics_.Report(DiagnosticCode::kRuntimeLimit, name_, std::move(detail));
}

bool Database::CountItem() const {
  if (items_ < limits::kMaxBoltItems) {
    ++items_;
    return true;
  }
  ReportLimit("kMaxBoltItems: too many items were visited");
  return false;
}

}  // namespace ekshume::runtime::bolt
