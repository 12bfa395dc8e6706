// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <zstd.h>

#include <vector>

#include "log/carrier/compressed.h"

namespace ekshume::log {
namespace {

constexpr int kMaxWindowLog = 27;  // 128 MiB, zstd's own default for decompression

class ZstdInput final : public Input {
 public:
  ZstdInput(Input& input, std::string evidence, DiagnosticSink& diagnostics)
      : input_(input),
        evidence_(std::move(evidence)),
        diagnostics_(diagnostics),
        context_(ZSTD_createDCtx(), ZSTD_freeDCtx),
        buffer_(ZSTD_DStreamInSize()) {
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }

  Result<size_t> Read(std::span<char> out) override {
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (!ended_ && output.pos == 0) {
      if (source_.pos == source_.size && !flushing_) {
        const size_t got = EKSHUME_TRY(input_.Read(buffer_));
        consumed_ += source_.size;
        source_ = {buffer_.data(), got, 0};
        if (got == 0) {
          if (in_frame_) Damage("it ends in the middle");
          ended_ = true;
          break;
        }
      }
      const size_t left = ZSTD_decompressStream(context_.get(), &output, &source_);
      if (ZSTD_isError(left) != 0U) {
        Damage(ZSTD_getErrorName(left));
        ended_ = true;
        break;
      }
      in_frame_ = left != 0;
      flushing_ = output.pos == output.size && left != 0;
    }
    return output.pos;
  }

 private:
  void Damage(std::string_view what) {
    diagnostics_.Report(DiagnosticCode::kLogCarrierDamaged, evidence_,
                        fmt::format("zstd: {}", what), consumed_ + source_.pos);
  }

  Input& input_;
  const std::string evidence_;
  DiagnosticSink& diagnostics_;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  std::vector<char> buffer_;
  ZSTD_inBuffer source_{nullptr, 0, 0};
  uint64_t consumed_ = 0;
  bool in_frame_ = false;
  bool flushing_ = false;  // zstd may hold output for which there was no room
  bool ended_ = false;
};

}  // namespace

bool IsZstd(std::string_view head) {
  if (head.size() < 4) return false;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(head[i]); };
  return (byte(0) == 0x28 && byte(1) == 0xb5 && byte(2) == 0x2f && byte(3) == 0xfd) ||
         ((byte(0) & 0xf0) == 0x50 && byte(1) == 0x2a && byte(2) == 0x4d && byte(3) == 0x18);
}

std::unique_ptr<Input> Unzstd(Input& input, std::string evidence, DiagnosticSink& diagnostics) {
  return std::make_unique<ZstdInput>(input, std::move(evidence), diagnostics);
}

}  // namespace ekshume::log
