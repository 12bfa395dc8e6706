// SPDX-License-Identifier: Apache-2.0
#include "live/aws/xml.h"

#include <fmt/format.h>

namespace ekshume::live::aws {

Result<XmlAnswer> XmlAnswer::Parse(std::string_view text, std::string_view what) {
  auto document = std::make_unique<pugi::xml_document>();
  const pugi::xml_parse_result parsed =
      document->load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed || !document->document_element()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the answer to {} is no XML: {} at byte {}", what,
                            parsed ? "no element" : parsed.description(), parsed.offset));
  }
  return XmlAnswer(std::move(document));
}

}  // namespace ekshume::live::aws
