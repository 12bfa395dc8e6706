// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The names that may stand before a colon.
namespace ekshume::event {

// How a field's values are compared.
enum class FieldKind : uint8_t {
  kName,      // as a whole
  kSentence,  // a word or phrase anywhere in it
  kWords,     // one of the words between its spaces
  kAddress,   // as a whole; networks and ranges of IPv4 addresses
  kNumber,
  kTime,
};

struct Field {
  std::string_view name;                  // of the column, or of an alias for several columns
  std::vector<std::string_view> columns;  // all of one kind
  FieldKind kind = FieldKind::kName;
};

struct FieldAlias {
  std::string_view alias;
  std::string_view columns;  // with spaces between them
};
// Every alias. docs/search.md lists them; a test compares the two.
std::span<const FieldAlias> FieldAliases();

// The columns in which words without a field are searched.
std::span<const std::string_view> FreeTextColumns();
// Further such columns, for words with a digit in them only: long identifiers, in whose digits most
// short words (dead, bad) stand by chance.
std::span<const std::string_view> IdentifierColumns();

// The field of that name, whatever its case; dots count as underscores (user.name). Otherwise a
// sentence for the user that names similar fields.
std::expected<Field, std::string> FindField(std::string_view name);

}  // namespace ekshume::event
