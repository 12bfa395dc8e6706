// SPDX-License-Identifier: Apache-2.0
#include "event/query/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "event/event.h"

namespace ekshume::event {
namespace {

constexpr FieldAlias kAliases[] = {
    {"actor", "user_name user_arn access_key_id service_account"},
    {"ip", "source_ip destination_ip"},
    {"port", "source_port destination_port"},
    {"account", "account_id"},
    {"agent", "user_agent"},
    {"arn", "user_arn"},
    {"cmd", "command_line"},
    {"datetime", "time"},
    {"dst", "destination_ip"},
    {"file", "path"},
    {"hash", "sha256"},
    {"host", "node"},
    {"key", "access_key_id"},
    {"kind", "object_kind"},
    {"name", "object_name"},
    {"ns", "namespace"},
    {"sa", "service_account"},
    {"src", "source_ip"},
    {"status", "status_code"},
    {"tag", "tags"},
    {"timestamp", "time"},
    {"@timestamp", "time"},
    {"timestamp_desc", "time_kind"},
    {"user", "user_name"},
    {"verb", "action"},
};

// Names, addresses, hashes and sentences; not the few-valued columns (source, outcome, severity),
// whose words would hit too much, and not the record as found, which has to be unpacked.
constexpr std::string_view kFreeText[] = {
    "message",   "command_line",   "path",          "object_name",   "object_kind",
    "action",    "user_name",      "user_arn",      "access_key_id", "service_account",
    "source_ip", "destination_ip", "credential_id", "user_agent",    "namespace",
    "pod",       "container",      "image",         "node",          "process",
    "error",
};

constexpr std::string_view kIdentifiers[] = {"record_id", "sha256", "pod_uid", "container_id"};

constexpr std::string_view kSentences[] = {"message", "command_line", "user_agent", "error", "raw"};
constexpr std::string_view kAddresses[] = {"source_ip", "destination_ip"};

FieldKind KindOf(const Column& column) {
  switch (column.type) {
    case ColumnType::kNumber: return FieldKind::kNumber;
    case ColumnType::kTime: return FieldKind::kTime;
    case ColumnType::kText: break;
  }
  const auto is_one_of = [&](std::span<const std::string_view> names) {
    return std::ranges::find(names, column.name) != names.end();
  };
  if (is_one_of(kSentences)) return FieldKind::kSentence;
  if (is_one_of(kAddresses)) return FieldKind::kAddress;
  return column.name == "tags" ? FieldKind::kWords : FieldKind::kName;
}

Field FieldOf(const Column& column) { return {column.name, {column.name}, KindOf(column)}; }

// The Levenshtein distance.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// Up to four names, the nearest first.
std::vector<std::string_view> SimilarNames(std::string_view name) {
  constexpr size_t kShown = 4;
  constexpr size_t kLongestCompared = 40;
  std::vector<std::pair<size_t, std::string_view>> near;
  if (name.size() > kLongestCompared) return {};
  const auto consider = [&](std::string_view known) {
    const size_t distance = EditDistance(name, known);
    if (distance <= 1 + name.size() / 5) {
      near.emplace_back(distance, known);
    } else if (name.size() >= 3 && known.contains(name)) {
      near.emplace_back(kLongestCompared, known);
    }
  };
  for (const Column& column : Columns()) consider(column.name);
  for (const FieldAlias& alias : kAliases) consider(alias.alias);
  std::ranges::stable_sort(near, {}, &std::pair<size_t, std::string_view>::first);
  std::vector<std::string_view> names;
  for (const auto& [distance, known] : near) {
    if (names.size() < kShown) names.push_back(known);
  }
  return names;
}

}  // namespace

std::span<const FieldAlias> FieldAliases() { return kAliases; }

std::span<const std::string_view> FreeTextColumns() { return kFreeText; }

std::span<const std::string_view> IdentifierColumns() { return kIdentifiers; }

std::expected<Field, std::string> FindField(std::string_view name) {
  std::string wanted(name);
  for (char& c : wanted) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '.') c = '_';
  }
  if (const Column* column = FindColumn(wanted)) return FieldOf(*column);
  const auto alias = std::ranges::find(kAliases, wanted, &FieldAlias::alias);
  if (alias != std::end(kAliases)) {
    Field field;
    for (const std::string_view part : SplitNonEmpty(alias->columns, ' ')) {
      const Field one = FieldOf(*FindColumn(part));
      field.kind = one.kind;
      field.columns.push_back(one.name);
    }
    field.name = field.columns.size() == 1 ? field.columns.front() : alias->alias;
    return field;
  }
  const std::vector<std::string_view> similar = SimilarNames(wanted);
  std::string message = fmt::format("there is no field \"{}\"", name);
  if (!similar.empty()) message += fmt::format("; similar: {}", fmt::join(similar, ", "));
  message += "; text with a colon in it goes in quotes";
  return std::unexpected(std::move(message));
}

}  // namespace ekshume::event
