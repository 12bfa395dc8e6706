// SPDX-License-Identifier: Apache-2.0
#include "image/index_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/checked.h"
#include "base/limits.h"
#include "image/index_format.h"
#include "image/temporary_file.h"

namespace ekshume::image {
namespace {

constexpr size_t kSampleBytes = size_t{16} << 10;
constexpr uint64_t kSampleCount = 17;

Sha256Digest HeaderDigest(IndexHeader header) {
  header.header_sha256 = {};
  return Sha256::Of(AsBytes(header));
}

IndexHeader MakeHeader(std::string_view format_name, uint32_t version, const Sha256Digest& identity,
                       uint64_t data_bytes, ByteView table) {
  IndexHeader header{};
  std::ranges::copy(kIndexMagic, header.magic.begin());
  std::ranges::copy(format_name, header.format_name.begin());
  header.version = le32::Of(version);
  header.identity = identity;
  header.data_bytes = le64::Of(data_bytes);
  header.table_bytes = le64::Of(table.size());
  header.table_sha256 = Sha256::Of(table);
  header.header_sha256 = HeaderDigest(header);
  return header;
}

}  // namespace

Result<Sha256Digest> IdentityOf(const EvidenceFile& file) {
  Sha256 hash;
  const std::string facts = fmt::format("{} {}.{:09} ", file.size_bytes(), file.modified().seconds,
                                        file.modified().nanoseconds);
  hash.Update(ByteView::Of(facts));
  const size_t length = std::min<uint64_t>(kSampleBytes, file.size_bytes());
  std::vector<std::byte> sample(length);
  const uint64_t last = file.size_bytes() - length;
  for (uint64_t i = 0; i < kSampleCount; ++i) {
    EKSHUME_TRY(file.ReadAt(last / (kSampleCount - 1) * i, sample));
    hash.Update(ByteView(sample));
  }
  EKSHUME_TRY(file.ReadAt(last, sample));
  hash.Update(ByteView(sample));
  return hash.Finish();
}

IndexFile::IndexFile(FileDescriptor descriptor, std::string_view format_name, uint32_t version,
                     const Sha256Digest& identity)
    : descriptor_(std::move(descriptor)),
      name_(fmt::format("the {} index", format_name)),
      format_name_(format_name),
      version_(version),
      identity_(identity) {}

Result<IndexFile> IndexFile::Open(const OpenOptions& options, std::string_view format_name,
                                  uint32_t version, const EvidenceFile& evidence) {
  const Sha256Digest identity = EKSHUME_TRY(IdentityOf(evidence));
  if (options.scratch == nullptr) {
    return IndexFile(EKSHUME_TRY(OpenTemporaryFile()), format_name, version, identity);
  }
  const std::string file_name =
      fmt::format("{}-{}.index", format_name, ToHex(identity).substr(0, 32));
  bool existed = false;
  FileDescriptor descriptor(EKSHUME_TRY(options.scratch->Open(file_name, existed)));
  IndexFile index(std::move(descriptor), format_name, version, identity);
  if (existed && !index.Load()) EKSHUME_TRY(index.Reset());
  return index;
}

// Fails, for whatever reason, when there is no complete index of this evidence.
Result<void> IndexFile::Load() {
  struct stat status{};
  if (fstat(descriptor_.number(), &status) != 0) return Fail(ErrorCode::kIo, name_);
  std::array<std::byte, sizeof(IndexHeader)> bytes;
  EKSHUME_TRY(ReadFully(descriptor_.number(), 0, bytes, name_));
  const auto header = EKSHUME_TRY(ByteView(bytes).Read<IndexHeader>(0));
  const uint64_t table_bytes = header.table_bytes.value();
  const auto table_offset = CheckedAdd(kIndexDataOffset, header.data_bytes.value());
  if (header.header_sha256 != HeaderDigest(header) || table_bytes > limits::kMaxIndexTableBytes ||
      !table_offset ||
      !RangeFits(*table_offset, table_bytes, static_cast<uint64_t>(status.st_size))) {
    return Fail(ErrorCode::kCorrupt, name_);
  }
  table_.resize(table_bytes);
  EKSHUME_TRY(ReadFully(descriptor_.number(), *table_offset, table_, name_));
  const IndexHeader expected =
      MakeHeader(format_name_, version_, identity_, header.data_bytes.value(), ByteView(table_));
  if (header.header_sha256 != expected.header_sha256) return Fail(ErrorCode::kCorrupt, name_);
  has_table_ = true;
  return {};
}

Result<void> IndexFile::Reset() {
  has_table_ = false;
  table_ = {};
  if (ftruncate(descriptor_.number(), 0) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("emptying {}: {}", name_, SystemErrorText(errno)));
  }
  return {};
}

Result<void> IndexFile::WriteData(uint64_t offset_bytes, ByteView bytes) {
  return WriteFully(descriptor_.number(), kIndexDataOffset + offset_bytes, bytes, name_);
}

Result<void> IndexFile::ReadData(uint64_t offset_bytes, std::span<std::byte> out) const {
  return ReadFully(descriptor_.number(), kIndexDataOffset + offset_bytes, out, name_);
}

Result<void> IndexFile::Finish(uint64_t data_bytes, ByteView table) {
  if (table.size() > limits::kMaxIndexTableBytes) {
    return Fail(ErrorCode::kLimit,
                fmt::format("kMaxIndexTableBytes: {} has {} bytes", name_, table.size()));
  }
  EKSHUME_TRY(WriteFully(descriptor_.number(), kIndexDataOffset + data_bytes, table, name_));
  const IndexHeader header = MakeHeader(format_name_, version_, identity_, data_bytes, table);
  return WriteFully(descriptor_.number(), 0, AsBytes(header), name_);
}

}  // namespace ekshume::image
