// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <isa-l/igzip_lib.h>

#include <vector>

#include "base/byte_view.h"
#include "log/carrier/compressed.h"

namespace ekshume::log {
namespace {

constexpr std::string_view kMagic = "\x1f\x8b\x08";  // ID1, ID2, CM = deflate
constexpr size_t kBufferBytes = size_t{256} << 10;

class GzipInput final : public Input {
 public:
  GzipInput(Input& input, std::string evidence, DiagnosticSink& diagnostics)
      : input_(input),
        evidence_(std::move(evidence)),
        diagnostics_(diagnostics),
        buffer_(kBufferBytes) {
    Begin();
  }

  Result<size_t> Read(std::span<char> out) override {
    while (!ended_) {
      if (begin_ == end_ && !EKSHUME_TRY(Refill())) {
        if (in_member_) Damage("it ends in the middle");
        ended_ = true;
        break;
      }
      if (!in_member_ && !EKSHUME_TRY(FindMember())) break;
      state_.next_in = AsUnsignedChars(AsWritableBytes(buffer_.data() + begin_, end_ - begin_));
      state_.avail_in = static_cast<uint32_t>(end_ - begin_);
      state_.next_out = AsUnsignedChars(AsWritableBytes(out.data(), out.size()));
      state_.avail_out = static_cast<uint32_t>(std::min<size_t>(out.size(), 1U << 30));
      const uint32_t room = state_.avail_out;
      const int status = isal_inflate(&state_);
      const size_t produced = room - state_.avail_out;
      begin_ = end_ - state_.avail_in;
      if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT) {
        Damage(fmt::format("member {} is broken (inflate {})", member_, status));
        in_member_ = false;
        resync_ = true;
      } else if (state_.block_state == ISAL_BLOCK_FINISH) {
        in_member_ = false;
        resync_ = false;
      }
      if (produced > 0) return produced;
    }
    return size_t{0};
  }

 private:
  void Begin() {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
    in_member_ = true;
    ++member_;
  }

  void Damage(std::string_view what) {
    diagnostics_.Report(DiagnosticCode::kLogCarrierDamaged, evidence_,
                        fmt::format("gzip: {}", what), consumed_ + begin_);
  }

  // Moves what is left to the front and reads more behind it; false at the end.
  Result<bool> Refill() {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    consumed_ += begin_;
    end_ -= begin_;
    begin_ = 0;
    const size_t got = EKSHUME_TRY(input_.Read(std::span(buffer_).subspan(end_)));
    end_ += got;
    return got > 0;
  }

  // Goes to the next member: right here as a rule, after damage wherever the next header is. False
  // when there is none (padding of zeros after the last member is normal).
  Result<bool> FindMember() {
    for (;;) {
      while (end_ - begin_ < kMagic.size()) {
        if (!EKSHUME_TRY(Refill())) break;
      }
      const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
      if (rest.starts_with(kMagic)) {
        Begin();
        return true;
      }
      if (rest.size() < kMagic.size()) {
        ended_ = true;
        return false;
      }
      if (!resync_ && rest.find_first_not_of('\0') != std::string_view::npos) {
        Damage("something that is no gzip member follows");
        resync_ = true;
      }
      const size_t next = rest.find(kMagic, 1);
      begin_ += next == std::string_view::npos ? rest.size() - kMagic.size() + 1 : next;
    }
  }

  Input& input_;
  const std::string evidence_;
  DiagnosticSink& diagnostics_;
  inflate_state state_{};
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what is not read yet in buffer_
  size_t end_ = 0;
  uint64_t consumed_ = 0;  // bytes of the input before buffer_
  int member_ = -1;
  bool in_member_ = false;
  bool resync_ = false;  // after damage: search for the next member
  bool ended_ = false;
};

}  // namespace

bool IsGzip(std::string_view head) { return head.starts_with(kMagic); }

std::unique_ptr<Input> Gunzip(Input& input, std::string evidence, DiagnosticSink& diagnostics) {
  return std::make_unique<GzipInput>(input, std::move(evidence), diagnostics);
}

}  // namespace ekshume::log
