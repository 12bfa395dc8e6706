// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "event/export/writers.h"

// ArcSight Common Event Format, "Implementing ArcSight CEF", revision 25:
//   CEF:0|vendor|product|version|event class|name|severity|extension
// The extension is key=value pairs with blanks between them. In the header `\` and `|` are escaped,
// in values `\` and `=`; line ends stand as \n and \r in values only.
namespace ekshume::event {
namespace {

struct Key {
  std::string_view column;
  std::string_view key;    // of the producer dictionary
  std::string_view label;  // what the custom key (cs1, cn1) holds
};

constexpr Key kKeys[] = {
    {"node", "dvchost", ""},
    {"user_name", "suser", ""},
    {"source_port", "spt", ""},
    {"destination_port", "dpt", ""},
    {"action", "act", ""},
    {"outcome", "outcome", ""},
    {"error", "reason", ""},
    {"user_agent", "requestClientApplication", ""},
    {"process", "sproc", ""},
    {"pid", "spid", ""},
    {"path", "filePath", ""},
    {"sha256", "fileHash", ""},
    {"size", "fsize", ""},
    {"record_id", "externalId", ""},
    {"raw", "rawEvent", ""},
    {"message", "msg", ""},
    {"cluster", "cs1", "cluster"},
    {"namespace", "cs2", "namespace"},
    {"pod", "cs3", "pod"},
    {"container", "cs4", "container"},
    {"image", "cs5", "image"},
    {"user_arn", "cs6", "user_arn"},
    {"status_code", "cn1", "status_code"},
};

// CEF's own places for these; no key is made of their names.
constexpr std::string_view kElsewhere[] = {"time", "source_ip", "destination_ip", "severity"};

// 0 to 10, or CEF's word for none.
std::string_view Severity(std::string_view severity) {
  struct Level {
    std::string_view name;
    std::string_view number;
  };
  constexpr Level kLevels[] = {
      {"critical", "10"},     {"emerg", "10"},  {"fatal", "10"}, {"panic", "10"}, {"alert", "9"},
      {"crit", "9"},          {"high", "8"},    {"error", "7"},  {"err", "7"},    {"medium", "5"},
      {"warn", "4"},          {"warning", "4"}, {"low", "3"},    {"notice", "2"}, {"info", "1"},
      {"informational", "1"}, {"debug", "0"},   {"trace", "0"}};
  std::string lower(severity);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto found = std::ranges::find(kLevels, std::string_view(lower), &Level::name);
  return found == std::end(kLevels) ? "Unknown" : found->number;
}

// Appends the text as UTF-8 without control characters; `escape(c)` gives what stands for a
// character, or nothing for itself.
void AppendEscaped(std::string_view text, auto escape, std::string& out) {
  const bool is_utf8 = IsUtf8(text);
  for (const char c : text) {
    const std::string_view instead = escape(c);
    const auto byte = static_cast<unsigned char>(c);
    if (!instead.empty()) {
      out += instead;
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_utf8)) {
      out += fmt::format("\\\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
}

void AppendHeaderField(std::string_view text, std::string& out) {
  AppendEscaped(
      text,
      [](char c) -> std::string_view {
        switch (c) {
          case '\\': return "\\\\";
          case '|': return "\\|";
          case '\n':
          case '\r': return " ";
          default: return {};
        }
      },
      out);
}

void AppendPair(std::string_view key, std::string_view value, std::string& out) {
  if (value.empty()) return;
  out += key;
  out += '=';
  AppendEscaped(
      value,
      [](char c) -> std::string_view {
        switch (c) {
          case '\\': return "\\\\";
          case '=': return "\\=";
          case '\n': return "\\n";
          case '\r': return "\\r";
          default: return {};
        }
      },
      out);
  out += ' ';
}

// object_kind → ekshumeObjectKind. Keys are letters and digits only.
std::string CustomKey(std::string_view column) {
  std::string key = "ekshume";
  bool begins_word = true;
  for (const char c : column) {
    const bool is_small = c >= 'a' && c <= 'z';
    if (!is_small && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) {
      begins_word = true;
      continue;
    }
    key += begins_word && is_small ? static_cast<char>(c - 'a' + 'A') : c;
    begins_word = false;
  }
  return key;
}

// What a field of addresses holds decides its key: CEF has one for each kind.
struct AddressKeys {
  std::string_view column;
  std::string_view ipv4;
  std::string_view ipv6;
  std::string_view ipv6_label;
  std::string_view host;
};
constexpr AddressKeys kAddresses[] = {
    {"source_ip", "src", "c6a2", "Source IPv6 Address", "shost"},
    {"destination_ip", "dst", "c6a3", "Destination IPv6 Address", "dhost"}};

void AppendAddress(const AddressKeys& keys, std::string_view value, std::string& out) {
  if (value.find_first_not_of("0123456789.") == std::string_view::npos) {
    AppendPair(keys.ipv4, value, out);
  } else if (value.contains(':') &&
             value.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos) {
    AppendPair(keys.ipv6, value, out);
    AppendPair(fmt::format("{}Label", keys.ipv6), keys.ipv6_label, out);
  } else {
    AppendPair(keys.host, value, out);
  }
}

class CefWriter final : public RowWriter {
 public:
  explicit CefWriter(std::vector<ExportColumn> columns) : columns_(std::move(columns)) {
    for (const ExportColumn& column : columns_) {
      const auto known = std::ranges::find(kKeys, column.name, &Key::column);
      if (known != std::end(kKeys)) {
        keys_.push_back({std::string(known->key), std::string(known->label)});
      } else if (std::ranges::find(kElsewhere, column.name) != std::end(kElsewhere)) {
        keys_.emplace_back();
      } else {
        keys_.push_back({CustomKey(column.name), ""});
      }
    }
  }

  void AppendHeader(std::string&) const override {}

  void AppendRow(ExportRow row, std::string& out) const override {
    const auto value = [&](std::string_view name) -> std::string_view {
      const auto column = FindExportColumn(columns_, name);
      return column ? row[*column].value_or("") : "";
    };
    out += "CEF:0|ekshume|ekshume|" EKSHUME_VERSION "|";
    AppendHeaderField(fmt::format("{}:{}", value("source"), value("action")), out);
    out += '|';
    AppendHeaderField(value("message").empty() ? value("action") : value("message"), out);
    out += '|';
    out += Severity(value("severity"));
    out += '|';
    if (const auto time = ParseTimestamp(value("time"))) {
      AppendPair("rt", std::to_string(time->seconds * 1000 + time->nanoseconds / 1'000'000), out);
    }
    for (const AddressKeys& keys : kAddresses) AppendAddress(keys, value(keys.column), out);
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!row[i] || row[i]->empty() || keys_[i].key.empty()) continue;
      AppendPair(keys_[i].key, *row[i], out);
      if (!keys_[i].label.empty()) AppendPair(keys_[i].key + "Label", keys_[i].label, out);
    }
    if (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }

 private:
  struct ColumnKey {
    std::string key;  // empty: written elsewhere
    std::string label;
  };
  const std::vector<ExportColumn> columns_;
  std::vector<ColumnKey> keys_;  // one for each column
};

}  // namespace

std::unique_ptr<RowWriter> MakeCefWriter(std::vector<ExportColumn> columns) {
  return std::make_unique<CefWriter>(std::move(columns));
}

}  // namespace ekshume::event
