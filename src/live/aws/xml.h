// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

// XML as EC2, STS and S3 answer it. pugixml expands no entities of a document's own and loads
// nothing from elsewhere.
namespace ekshume::live::aws {

class XmlAnswer {
 public:
  // kCorrupt when it is no well-formed document; `what` names the call.
  static Result<XmlAnswer> Parse(std::string_view text, std::string_view what);

  // The document's one element.
  pugi::xml_node root() const { return document_->document_element(); }

 private:
  explicit XmlAnswer(std::unique_ptr<pugi::xml_document> document)
      : document_(std::move(document)) {}
  std::unique_ptr<pugi::xml_document> document_;  // nodes point into it
};

// The text of a child element, or "".
inline std::string TextOf(pugi::xml_node parent, const char* name) {
  return parent.child_value(name);
}

}  // namespace ekshume::live::aws
