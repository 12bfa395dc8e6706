// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <filesystem>

#include "event/store/coded_events.h"
#include "event/store/database.h"
#include "event/store/own_file.h"
#include "image/evidence_file.h"
#include "image/zstd/decoder.h"

// The file of docs/formats/case.md, "coded_events.zst".
namespace ekshume::event {
namespace {

static_assert(std::endian::native == std::endian::little, "the file's numbers are little-endian");

constexpr std::string_view kMagic = "ekshume coded events 1";
constexpr int kLevel = 1;
constexpr size_t kBufferBytes = size_t{1} << 20;

Error Damaged() { return Fail(ErrorCode::kCorrupt, "the file of coded events is damaged"); }

// What the table's rows are: columns of a row never change, but its time does, and rows go.
struct Fingerprint {
  std::string text;
  uint64_t rows = 0;
  uint64_t places = 0;  // one more than the last row's number
};

Result<Fingerprint> FingerprintOf(Database& database) {
  const std::unique_ptr<Rows> rows =
      EKSHUME_TRY(database.Query("SELECT count(*), coalesce(max(rowid) + 1, 0), "
                                 "coalesce(bit_xor(hash(rowid, id, time)), 0) FROM stored_events",
                                 true));
  if (!EKSHUME_TRY(rows->Next())) return Fail(ErrorCode::kIo, "the store counts no rows");
  Fingerprint print;
  print.rows = static_cast<uint64_t>(rows->Integer(0));
  print.places = static_cast<uint64_t>(rows->Integer(1));
  for (size_t i = 0; i < 3; ++i) print.text += fmt::format("{} ", rows->Text(i));
  for (const std::string_view name : CodedEvents::kCounted) print.text += fmt::format(" {}", name);
  for (const std::string_view name : CodedEvents::kSearched) print.text += fmt::format(" {}", name);
  return print;
}

}  // namespace

class CodedEvents::FileWriter {
 public:
  explicit FileWriter(int descriptor)
      : descriptor_(descriptor), context_(ZSTD_createCCtx(), ZSTD_freeCCtx), out_(kBufferBytes) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  Result<void> Bytes(std::span<const std::byte> bytes, bool is_last = false) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const size_t left =
          ZSTD_compressStream2(context_.get(), &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0U) {
        return Fail(ErrorCode::kIo, fmt::format("zstd: {}", ZSTD_getErrorName(left)));
      }
      EKSHUME_TRY(Out(out.pos));
      if (is_last ? left == 0 : in.pos == in.size) return {};
    }
  }
  template <typename T>
  Result<void> Array(const std::vector<T>& values) {
    EKSHUME_TRY(Number(values.size()));
    return Bytes(std::as_bytes(std::span(values)));
  }
  Result<void> Array(std::monostate /*codes*/) { return {}; }
  Result<void> Number(uint64_t number) { return Bytes(std::as_bytes(std::span(&number, 1))); }
  Result<void> Text(std::string_view text) {
    EKSHUME_TRY(Number(text.size()));
    return Bytes(std::as_bytes(std::span(text)));
  }

 private:
  Result<void> Out(size_t size) const {
    for (size_t done = 0; done < size;) {
      const ssize_t written = ::write(descriptor_, out_.data() + done, size - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return SystemFailure("cannot write the coded events");
      done += static_cast<size_t>(written);
    }
    return {};
  }

  const int descriptor_;
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
  std::vector<std::byte> out_;
};

class CodedEvents::FileReader {
 public:
  explicit FileReader(int descriptor) : descriptor_(descriptor), buffer_(kBufferBytes) {}

  Result<void> Bytes(std::span<std::byte> bytes) {
    while (!bytes.empty()) bytes = bytes.subspan(EKSHUME_TRY(Step(bytes)));
    return {};
  }
  // The frame ends here, its checksum is right, and nothing follows.
  Result<void> End() {
    std::byte more{};
    while (!is_over_) {
      if (EKSHUME_TRY(Step(std::span(&more, 1))) > 0) return Damaged();
    }
    if (!rest_.empty() || EKSHUME_TRY(Fill()) > 0) return Damaged();
    return {};
  }
  Result<uint64_t> Number(uint64_t most) {
    uint64_t number = 0;
    EKSHUME_TRY(Bytes(std::as_writable_bytes(std::span(&number, 1))));
    if (number > most) return Damaged();
    return number;
  }
  template <typename T>
  Result<void> Array(std::vector<T>& values, uint64_t most) {
    const uint64_t size = EKSHUME_TRY(Number(most));
    values.resize(size);
    return Bytes(std::as_writable_bytes(std::span(values)));
  }
  Result<void> Array(std::monostate /*codes*/, uint64_t /*most*/) { return {}; }
  Result<std::string> Text(uint64_t most) {
    std::string text(EKSHUME_TRY(Number(most)), '\0');
    EKSHUME_TRY(Bytes(std::as_writable_bytes(std::span(text))));
    return text;
  }

 private:
  Result<size_t> Fill() {
    for (;;) {
      const ssize_t got = ::read(descriptor_, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return SystemFailure("cannot read the coded events");
      rest_ = std::span(buffer_).first(static_cast<size_t>(got));
      return rest_.size();
    }
  }

  // Some of the bytes that come next; how many.
  Result<size_t> Step(std::span<std::byte> out) {
    if (is_over_) return Damaged();
    if (rest_.empty() && EKSHUME_TRY(Fill()) == 0) return Damaged();
    const auto step = decoder_.Run(ByteView(rest_), out);
    if (!step) return Damaged();
    rest_ = rest_.subspan(step->consumed);
    is_over_ = step->frame_ended;
    return step->produced;
  }

  const int descriptor_;
  image::zstd::Decoder decoder_;
  std::vector<std::byte> buffer_;
  std::span<std::byte> rest_;  // of the buffer: read, and not yet decoded
  bool is_over_ = false;
};

Result<void> CodedEvents::Save(Database& database, const std::string& path) const {
  const std::string unfinished = fmt::format("{}.new", path);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const auto write = [&]() -> Result<void> {
    const image::FileDescriptor file(
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.number() < 0) return SystemFailure("cannot write the coded events");
    FileWriter out(file.number());
    EKSHUME_TRY(out.Text(kMagic));
    const Fingerprint now = EKSHUME_TRY(FingerprintOf(database));
    EKSHUME_TRY(out.Text(now.text));
    EKSHUME_TRY(out.Array(rows_));
    EKSHUME_TRY(out.Array(times_));
    EKSHUME_TRY(out.Number(columns_.size()));
    for (const Coded& column : columns_) {
      EKSHUME_TRY(out.Text(column.name));
      EKSHUME_TRY(out.Number(column.codes.index()));
      EKSHUME_TRY(std::visit([&](const auto& codes) { return out.Array(codes); }, column.codes));
      EKSHUME_TRY(out.Number(column.values.size()));
      for (const std::string& value : column.values) EKSHUME_TRY(out.Text(value));
    }
    EKSHUME_TRY(out.Bytes({}, true));
    if (::fdatasync(file.number()) != 0) return SystemFailure("cannot write the coded events");
    return {};
  };
  Result<void> written = write();
  if (written) {
    std::filesystem::rename(unfinished, path, error);
    if (!error) return {};
    written = Fail(ErrorCode::kIo, fmt::format("cannot make {}: {}", path, error.message()));
  }
  std::filesystem::remove(unfinished, error);
  return written;
}

Result<std::unique_ptr<CodedEvents>> CodedEvents::Load(Database& database,
                                                       const std::string& path) {
  const image::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return std::unique_ptr<CodedEvents>();
  FileReader in(file.number());
  if (EKSHUME_TRY(in.Text(kMagic.size())) != kMagic) return Damaged();
  const Fingerprint now = EKSHUME_TRY(FingerprintOf(database));
  if (EKSHUME_TRY(in.Text(kBufferBytes)) != now.text || now.rows > kMostEvents ||
      now.places > 2 * kMostEvents) {
    return std::unique_ptr<CodedEvents>();
  }
  std::unique_ptr<CodedEvents> events(new CodedEvents());
  events->positions_.assign(now.places, kNoPosition);
  EKSHUME_TRY(in.Array(events->rows_, now.rows));
  if (events->size() != now.rows) return Damaged();
  EKSHUME_TRY(in.Array(events->times_, events->size()));
  const uint64_t columns = EKSHUME_TRY(in.Number(kCounted.size() + kSearched.size()));
  for (uint64_t i = 0; i < columns; ++i) {
    Coded column;
    const std::string name = EKSHUME_TRY(in.Text(kBufferBytes));
    // Names are kept as views of the constants.
    const auto counted = std::ranges::find(kCounted, name);
    const auto searched = std::ranges::find(kSearched, name);
    column.is_counted = counted != kCounted.end();
    if (!column.is_counted && searched == kSearched.end()) return Damaged();
    column.name = column.is_counted ? *counted : *searched;
    switch (EKSHUME_TRY(in.Number(std::variant_size_v<Codes> - 1))) {
      case 1: column.codes = std::vector<uint8_t>(); break;
      case 2: column.codes = std::vector<uint16_t>(); break;
      case 3: column.codes = std::vector<uint32_t>(); break;
      default: break;
    }
    EKSHUME_TRY(
        std::visit([&](auto& codes) { return in.Array(codes, events->size()); }, column.codes));
    uint64_t bytes_left = kMostValueBytes;
    for (uint64_t left = EKSHUME_TRY(in.Number(kMostValues)); left > 0; --left) {
      column.values.push_back(EKSHUME_TRY(in.Text(bytes_left)));
      bytes_left -= column.values.back().size();
    }
    events->columns_.push_back(std::move(column));
  }
  EKSHUME_TRY(in.End());
  for (size_t i = 0; i < events->size(); ++i) {
    const uint32_t row = events->rows_[i];
    if (row >= events->positions_.size() || events->positions_[row] != kNoPosition) {
      return Damaged();
    }
    events->positions_[row] = static_cast<uint32_t>(i);
  }
  if (!events->IsSound()) return Damaged();
  return events;
}

bool CodedEvents::IsSound() const {
  return std::ranges::is_sorted(times_) && std::ranges::all_of(columns_, [&](const Coded& column) {
           return std::visit(
               [&](const auto& codes) {
                 if constexpr (std::is_same_v<std::decay_t<decltype(codes)>, std::monostate>) {
                   return true;
                 } else {
                   return codes.size() == size() &&
                          (codes.empty() || std::ranges::max(codes) <= column.values.size());
                 }
               },
               column.codes);
         });
}

}  // namespace ekshume::event
