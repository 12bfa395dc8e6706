// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "detect/indicator/index.h"

// The input is a list of any form and, behind the first line "%%%", a text. Reading must end, every
// refusal has a reason, each hit lies in the text, and what a list names as a plain address or
// domain is found when it stands alone.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::detect::indicator;
  const std::string_view input = ByteView(std::as_bytes(std::span(data, size))).AsText();
  constexpr std::string_view kSeparator = "\n%%%\n";
  const size_t at = input.find(kSeparator);
  const std::string_view text =
      at == std::string_view::npos ? "" : input.substr(at + kSeparator.size());

  const auto index = Index::Of({{"list", std::string(input.substr(0, at))}});
  for (const detect::Problem& problem : index->refused()) {
    if (problem.reason.empty()) std::abort();
  }
  std::vector<Hit> hits;
  for (const TextKind kind : {TextKind::kRecord, TextKind::kCommand}) {
    hits.clear();
    index->Search(text, kind, hits);
    for (const Hit& hit : hits) {
      if (hit.indicator >= index->size() || hit.offset_bytes >= text.size()) std::abort();
    }
  }
  for (uint32_t i = 0; i < index->size() && i < 64; ++i) {
    const Indicator one = index->Get(i);
    const bool is_network = one.value.find('/') != std::string::npos;
    if (one.kind != Kind::kDomain && (one.kind != Kind::kAddress || is_network)) continue;
    hits.clear();
    index->Search(one.value, TextKind::kRecord, hits);
    if (hits.empty()) std::abort();
  }
  return 0;
}
