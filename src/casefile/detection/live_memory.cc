// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/live_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "casefile/extent_file.h"

namespace ekshume::casefile {

ProcessMemory::ProcessMemory(const LiveEvidence& live, const process::Process& process,
                             uint64_t most_bytes, Progress& progress)
    : live_(live), process_(process), progress_(progress) {
  for (const process::MemoryPart& part : process.memory) AddPart(part);
  MakeStretches(most_bytes);
}

void ProcessMemory::AddPart(const process::MemoryPart& whole) {
  process::MemoryPart part = whole;
  if (part.bytes.length_bytes == 0 || part.address + part.bytes.length_bytes < part.address) return;
  // Parts that overlap hold the same bytes; the first counts.
  const uint64_t end =
      pieces_.empty() ? 0 : pieces_.back().address + pieces_.back().bytes.length_bytes;
  if (part.address < end) {
    const uint64_t known = end - part.address;
    if (known >= part.bytes.length_bytes) return;
    part = {end,
            {part.bytes.file, part.bytes.offset_bytes + known, part.bytes.length_bytes - known}};
  }
  const auto file = OpenExtent(live_, part.bytes);
  if (!file) {
    failures_.push_back(fmt::format("its memory at {:#x}: {}", part.address, file.error().message));
    return;
  }
  AddPieces(part, (*file)->runs());
}

void ProcessMemory::AddPieces(const process::MemoryPart& part, std::span<const fs::Run> runs) {
  const auto add = [&](uint64_t from, uint64_t to) {
    to = std::min(to, part.bytes.length_bytes);
    if (from >= to) return;
    pieces_.push_back(
        {part.address + from, {part.bytes.file, part.bytes.offset_bytes + from, to - from}});
  };
  if (runs.empty()) return add(0, part.bytes.length_bytes);
  std::optional<uint64_t> begin;
  uint64_t end = 0;  // of the data seen last
  for (const fs::Run& run : runs) {
    const bool is_data = run.kind == fs::Run::Kind::kData || run.kind == fs::Run::Kind::kInline;
    if (!is_data) continue;
    if (begin && run.file_offset_bytes - end >= kMinMemoryHoleBytes) {
      add(*begin, end);
      begin.reset();
    }
    if (!begin) begin = run.file_offset_bytes;
    end = run.file_offset_bytes + run.length_bytes;
  }
  if (begin) add(*begin, end);
}

void ProcessMemory::MakeStretches(uint64_t most_bytes) {
  for (size_t i = 0; i < pieces_.size();) {
    const uint64_t begin = pieces_[i].address;
    const process::Mapping* mapping = MappingOf(begin);
    uint64_t end = begin + pieces_[i].bytes.length_bytes;
    for (++i; i < pieces_.size(); ++i) {
      if (pieces_[i].address != end || MappingOf(end) != mapping) break;
      end += pieces_[i].bytes.length_bytes;
    }
    const uint64_t room = most_bytes - size_bytes_;
    if (end - begin > room) {
      left_out_bytes_ += end - begin - room;
      end = begin + room;
    }
    if (begin == end) continue;
    size_bytes_ += end - begin;
    for (uint64_t from = begin;;) {
      const uint64_t size = std::min(kMemoryWindowBytes, end - from);
      stretches_.push_back({from, size});
      if (from + size == end) break;
      from += size - kMemoryOverlapBytes;
    }
  }
}

std::optional<ByteView> ProcessMemory::Read(size_t index) {
  if (held_ == index) return ByteView(buffer_);
  held_.reset();
  if (progress_.cancelled() || index >= stretches_.size()) return std::nullopt;
  const Stretch& stretch = stretches_[index];
  buffer_.assign(stretch.size_bytes, std::byte{0});
  const uint64_t end = stretch.address + stretch.size_bytes;
  auto piece = std::ranges::upper_bound(pieces_, stretch.address, {}, &Piece::address);
  if (piece != pieces_.begin()) --piece;
  for (; piece != pieces_.end() && piece->address < end; ++piece) {
    const uint64_t from = std::max(piece->address, stretch.address);
    const uint64_t to = std::min(piece->address + piece->bytes.length_bytes, end);
    if (from >= to) continue;
    if (opened_ != piece->bytes.file) {
      auto file = live_.archive->OpenFile(piece->bytes.file);
      opened_ = piece->bytes.file;
      file_ = file ? std::move(*file) : nullptr;
    }
    const uint64_t offset = piece->bytes.offset_bytes + (from - piece->address);
    const std::span<std::byte> out = std::span(buffer_).subspan(from - stretch.address, to - from);
    const Result<size_t> count = file_ == nullptr
                                     ? Result<size_t>(Fail(ErrorCode::kIo, "it cannot be opened"))
                                     : file_->ReadAt(offset, out);
    if (!count || *count < out.size()) {
      if (index >= first_unread_) {
        failures_.push_back(fmt::format("its memory at {:#x}: {}", from,
                                        count ? "the archive ends in it" : count.error().message));
      }
    }
  }
  if (index >= first_unread_) {
    first_unread_ = index + 1;
    progress_.AddBytes(stretch.size_bytes);
  }
  held_ = index;
  return ByteView(buffer_);
}

const process::Mapping* ProcessMemory::MappingOf(uint64_t address) const {
  const auto& mappings = process_.mappings;
  const auto after = std::ranges::upper_bound(mappings, address, {}, &process::Mapping::start);
  if (after == mappings.begin()) return nullptr;
  const process::Mapping& mapping = *std::prev(after);
  return address < mapping.end ? &mapping : nullptr;
}

std::string ProcessMemory::PlaceText(uint64_t address) const {
  const process::Mapping* mapping = MappingOf(address);
  if (mapping == nullptr) return fmt::format("{:#x}", address);
  return fmt::format("{:#x} in {}{} ({})", address,
                     mapping->path.empty() ? "anonymous memory" : EscapeForTerminal(mapping->path),
                     mapping->deleted ? ", deleted" : "", EscapeForTerminal(mapping->permissions));
}

}  // namespace ekshume::casefile
