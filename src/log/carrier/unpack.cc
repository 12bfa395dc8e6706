// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <cerrno>
#include <limits>

#include "base/limits.h"
#include "log/carrier/compressed.h"

namespace ekshume::log {
namespace {

constexpr size_t kHeadBytes = 1024;
constexpr size_t kBlockBytes = size_t{256} << 10;

bool IsZip(std::string_view head) {
  return head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06");
}
bool IsTar(std::string_view head) { return head.size() >= 263 && head.substr(257, 5) == "ustar"; }
bool IsCpio(std::string_view head) {
  return head.starts_with("070701") || head.starts_with("070702") || head.starts_with("070707");
}
bool IsXz(std::string_view head) {
  return head.starts_with(
      std::string_view("\xfd"
                       "7zXZ\0",
                       6));
}
bool IsBzip2(std::string_view head) {
  return head.size() >= 10 && head.starts_with("BZh") &&
         head.substr(4, 6) == "\x31\x41\x59\x26\x53\x59";
}

// How much may come out of an item, all together.
class Allowance {
 public:
  explicit Allowance(uint64_t stored_bytes)
      : left_(std::max(limits::kMinUnpackedBytes,
                       stored_bytes > std::numeric_limits<uint64_t>::max() / limits::kMaxUnpackRatio
                           ? std::numeric_limits<uint64_t>::max()
                           : stored_bytes * limits::kMaxUnpackRatio)) {}
  // Takes `count` bytes; false when they are not left any more.
  bool Take(uint64_t count) {
    if (count > left_) return false;
    left_ -= count;
    return true;
  }

 private:
  uint64_t left_;
};

// Counts what a decompressor gives, and ends it when it is too much.
class BoundedInput final : public Input {
 public:
  BoundedInput(Input& input, Allowance& allowance, std::string evidence,
               DiagnosticSink& diagnostics)
      : input_(input),
        allowance_(allowance),
        evidence_(std::move(evidence)),
        diagnostics_(diagnostics) {}

  Result<size_t> Read(std::span<char> out) override {
    if (ended_) return size_t{0};
    const size_t got = EKSHUME_TRY(input_.Read(out));
    if (allowance_.Take(got)) return got;
    ended_ = true;
    diagnostics_.Report(DiagnosticCode::kLogLimit, evidence_,
                        "it unpacks to far more than logs do; the rest was left out");
    return size_t{0};
  }

 private:
  Input& input_;
  Allowance& allowance_;
  const std::string evidence_;
  DiagnosticSink& diagnostics_;
  bool ended_ = false;
};

// libarchive's view of an Input.
struct ArchiveSource {
  Input* input;
  std::string block;
  std::optional<Error> error;
  std::string_view memory;  // the whole, instead of `input`
};

// One input after another.
class JoinedInput final : public Input {
 public:
  JoinedInput(Input& first, Input& second) : first_(first), second_(second) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t got = EKSHUME_TRY(first_.Read(out));
    return got > 0 ? Result<size_t>(got) : second_.Read(out);
  }

 private:
  Input& first_;
  Input& second_;
};

la_ssize_t ReadArchive(archive* handle, void* data, const void** block) {
  ArchiveSource& source = *static_cast<ArchiveSource*>(data);
  source.block.resize(kBlockBytes);
  const Result<size_t> got = source.input->Read(source.block);
  if (!got) {
    source.error = got.error();
    archive_set_error(handle, EIO, "%s", got.error().message.c_str());
    return -1;
  }
  *block = source.block.data();
  return static_cast<la_ssize_t>(*got);
}

// The content of an archive's current member.
class MemberInput final : public Input {
 public:
  explicit MemberInput(archive* handle) : handle_(handle) {}
  Result<size_t> Read(std::span<char> out) override {
    if (damaged_) return size_t{0};
    const la_ssize_t got = archive_read_data(handle_, out.data(), out.size());
    if (got >= 0) return static_cast<size_t>(got);
    damaged_ = true;
    return size_t{0};
  }
  bool damaged() const { return damaged_; }

 private:
  archive* handle_;
  bool damaged_ = false;
};

class Unpacker {
 public:
  Unpacker(uint64_t stored_bytes, DiagnosticSink& diagnostics,
           const std::function<void(const Leaf&)>& visit)
      : allowance_(stored_bytes), diagnostics_(diagnostics), visit_(visit) {}

  // NOLINTBEGIN(misc-no-recursion): no deeper than kMaxCarrierDepth.
  Result<void> Go(Input& input, const Leaf& name, int depth) {
    PeekInput peeked(input);
    const std::string_view head = EKSHUME_TRY(peeked.Peek(kHeadBytes));
    const bool gzip = IsGzip(head);
    const bool zstd = IsZstd(head);
    const bool filtered = IsXz(head) || IsBzip2(head);
    const bool packed = IsZip(head) || IsTar(head) || IsCpio(head);
    if (!gzip && !zstd && !filtered && !packed) {
      Leaf leaf = name;
      leaf.input = &peeked;
      visit_(leaf);
      return {};
    }
    if (depth >= limits::kMaxCarrierDepth) {
      diagnostics_.Report(DiagnosticCode::kLogLimit, name.evidence,
                          fmt::format("packed more than {} times", limits::kMaxCarrierDepth));
      return {};
    }
    if (gzip || zstd) {
      const std::unique_ptr<Input> content = gzip ? Gunzip(peeked, name.evidence, diagnostics_)
                                                  : Unzstd(peeked, name.evidence, diagnostics_);
      BoundedInput bounded(*content, allowance_, name.evidence, diagnostics_);
      return Go(bounded, name, depth + 1);
    }
    if (IsZip(head)) return ReadZip(peeked, name, depth);
    ArchiveSource source{&peeked, {}, {}, {}};
    EKSHUME_TRY(ReadMembers(source, name, depth, filtered ? Kind::kFiltered : Kind::kStream, 0));
    return {};
  }

 private:
  enum class Kind { kFiltered, kStream, kZip };

  // A damaged member ends libarchive's reading of a zip file, but the directory at its end still
  // tells where the others are: one that fits into memory is opened again behind the damage.
  Result<void> ReadZip(Input& input, const Leaf& name, int depth) {
    std::string content;
    std::string block(kBlockBytes, '\0');
    while (content.size() <= limits::kMaxZipInMemoryBytes) {
      const size_t got = EKSHUME_TRY(input.Read(block));
      if (got == 0) {
        for (size_t first = 0;;) {
          ArchiveSource source{nullptr, {}, {}, content};
          const std::optional<size_t> damaged =
              EKSHUME_TRY(ReadMembers(source, name, depth, Kind::kZip, first));
          if (!damaged) return {};
          first = *damaged + 1;
        }
      }
      content.append(block, 0, got);
    }
    MemoryInput head(content);
    JoinedInput whole(head, input);
    ArchiveSource source{&whole, {}, {}, {}};
    EKSHUME_TRY(ReadMembers(source, name, depth, Kind::kStream, 0));
    return {};
  }

  // Reads the members from number `first` on. Returns the number of the member that made it
  // impossible to go on, if one did.
  Result<std::optional<size_t>> ReadMembers(ArchiveSource& source, const Leaf& name, int depth,
                                            Kind kind, size_t first) {
    const std::unique_ptr<archive, int (*)(archive*)> handle(archive_read_new(), archive_read_free);
    int opened = ARCHIVE_OK;
    if (kind == Kind::kFiltered) {
      archive_read_support_filter_xz(handle.get());
      archive_read_support_filter_bzip2(handle.get());
      archive_read_support_format_raw(handle.get());
    } else {
      archive_read_support_format_zip(handle.get());
      archive_read_support_format_tar(handle.get());
      archive_read_support_format_cpio(handle.get());
      archive_read_support_format_empty(handle.get());
    }
    if (kind == Kind::kZip) {
      opened = archive_read_open_memory(handle.get(), source.memory.data(), source.memory.size());
    } else {
      opened = archive_read_open(handle.get(), &source, nullptr, ReadArchive, nullptr);
    }
    if (opened != ARCHIVE_OK) {
      if (source.error) return *source.error;
      Damage(name, archive_error_string(handle.get()));
      return std::nullopt;
    }
    for (size_t count = 0;; ++count) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(handle.get(), &entry);
      if (status == ARCHIVE_EOF) return std::nullopt;
      if (status < ARCHIVE_WARN) {
        if (source.error) return *source.error;
        Damage(name, archive_error_string(handle.get()));
        if (status == ARCHIVE_RETRY && count < limits::kMaxArchiveMembers) continue;
        return std::nullopt;
      }
      if (count >= limits::kMaxArchiveMembers) {
        diagnostics_.Report(DiagnosticCode::kLogLimit, name.evidence,
                            fmt::format("more than {} members", limits::kMaxArchiveMembers));
        return std::nullopt;
      }
      if (count < first) continue;
      if (kind != Kind::kFiltered && archive_entry_filetype(entry) != AE_IFREG) continue;
      Leaf leaf = name;
      if (kind != Kind::kFiltered) {
        const char* path = archive_entry_pathname(entry);
        leaf.path = path == nullptr ? fmt::format("member {}", count) : path;
        leaf.evidence = name.evidence + "!" + leaf.path;
        if (archive_entry_mtime_is_set(entry) != 0) {
          leaf.modified = Timestamp{archive_entry_mtime(entry),
                                    static_cast<uint32_t>(archive_entry_mtime_nsec(entry))};
        }
      }
      MemberInput member(handle.get());
      BoundedInput bounded(member, allowance_, leaf.evidence, diagnostics_);
      EKSHUME_TRY(Go(bounded, leaf, depth + 1));
      if (source.error) return *source.error;
      if (member.damaged()) {
        Damage(leaf, archive_error_string(handle.get()));
        if (kind == Kind::kZip) return count;
      }
    }
  }
  // NOLINTEND(misc-no-recursion)

  void Damage(const Leaf& name, const char* what) {
    diagnostics_.Report(DiagnosticCode::kLogCarrierDamaged, name.evidence,
                        what == nullptr ? "it is damaged" : what);
  }

  Allowance allowance_;
  DiagnosticSink& diagnostics_;
  const std::function<void(const Leaf&)>& visit_;
};

}  // namespace

Result<void> Unpack(Input& input, uint64_t stored_bytes, const Leaf& name,
                    DiagnosticSink& diagnostics, const std::function<void(const Leaf&)>& visit) {
  return Unpacker(stored_bytes, diagnostics, visit).Go(input, name, 0);
}

}  // namespace ekshume::log
