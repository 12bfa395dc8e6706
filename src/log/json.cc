// SPDX-License-Identifier: Apache-2.0
#include "log/json.h"

#include <charconv>

#include "base/limits.h"
#include "base/text.h"

namespace ekshume::log {
namespace {

constexpr std::string_view kTruncated = "[Truncated...]";

// The same bytes with U+FFFD for every byte that is not UTF-8.
std::string ReplaceInvalidUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  while (!bytes.empty()) {
    const unsigned char first = static_cast<unsigned char>(bytes.front());
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length <= bytes.size() && IsUtf8(bytes.substr(0, length))) {
      out += bytes.substr(0, length);
      bytes.remove_prefix(length);
    } else {
      out += "\xef\xbf\xbd";
      bytes.remove_prefix(1);
    }
  }
  return out;
}

// Follows JSON up to where it was cut and knows what would close it.
class Closer {
 public:
  // False when this is not the beginning of any JSON text.
  bool Follow(std::string& text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (!Step(text, i)) return false;
    }
    return true;
  }

  void Close(std::string& text) {
    if (in_string_) {
      if (escape_at_) text.resize(*escape_at_);  // an escape was cut: it goes
      text += '"';
      if (string_is_key_) text += ":null";
    } else {
      DropCutLiteral(text);
    }
    if (after_colon_) text += "null";
    if (after_key_) text += ":null";
    if (after_comma_) {
      text.resize(text.find_last_of(','));
    }
    while (!open_.empty()) {
      text += open_.back() == '{' ? '}' : ']';
      open_.pop_back();
    }
  }

 private:
  void Expect(bool key, bool colon, bool comma) {
    after_key_ = key;
    after_colon_ = colon;
    after_comma_ = comma;
  }

  bool Step(const std::string& text, size_t i) {
    const char c = text[i];
    if (in_string_) {
      if (escape_at_) {
        if (unicode_left_ > 0) {
          if (--unicode_left_ == 0) escape_at_.reset();
        } else if (c == 'u') {
          unicode_left_ = 4;
        } else {
          escape_at_.reset();
        }
      } else if (c == '\\') {
        escape_at_ = i;
      } else if (c == '"') {
        in_string_ = false;
        Expect(string_is_key_, false, false);
      }
      return true;
    }
    switch (c) {
      case ' ':
      case '\t':
      case '\r':
      case '\n': return true;
      case '"':
        in_string_ = true;
        string_is_key_ = !open_.empty() && open_.back() == '{' && !after_colon_;
        Expect(false, false, false);
        return true;
      case '{':
      case '[':
        if (open_.size() >= static_cast<size_t>(limits::kMaxJsonDepth)) return false;
        open_ += c;
        Expect(false, false, false);
        return true;
      case '}':
      case ']':
        if (open_.empty() || open_.back() != (c == '}' ? '{' : '[')) return false;
        open_.pop_back();
        Expect(false, false, false);
        return true;
      case ':': Expect(false, true, false); return true;
      case ',': Expect(false, false, true); return true;
      default:
        // The beginning or middle of a number, true, false or null.
        if (literal_at_ == std::string::npos || i == 0 || literal_end_ != i) literal_at_ = i;
        literal_end_ = i + 1;
        Expect(false, false, false);
        return true;
    }
  }

  // A number, true, false or null that ends where the text ends may be cut: null stands for it.
  void DropCutLiteral(std::string& text) {
    if (literal_at_ == std::string::npos || literal_end_ != text.size()) return;
    text.resize(literal_at_);
    text += "null";
  }

  std::string open_;  // brackets
  bool in_string_ = false;
  bool string_is_key_ = false;
  bool after_key_ = false;
  bool after_colon_ = false;
  bool after_comma_ = false;
  std::optional<size_t> escape_at_;
  int unicode_left_ = 0;
  size_t literal_at_ = std::string::npos;
  size_t literal_end_ = 0;
};

// A value's JSON without the blanks behind it.
bool RawView(JsonValue value, std::string_view& out) {
  if (simdjson::to_json_string(value).get(out) != simdjson::SUCCESS) return false;
  while (!out.empty() &&
         (out.back() == ' ' || out.back() == '\n' || out.back() == '\r' || out.back() == '\t')) {
    out.remove_suffix(1);
  }
  return true;
}

}  // namespace

bool JsonView(JsonValue value, std::string_view& out) {
  simdjson::ondemand::raw_json_string raw;
  if (value.get_raw_json_string().get(raw) == simdjson::SUCCESS) {
    out = {raw.raw(), PlainJsonLength(raw.raw())};
    if (raw.raw()[out.size()] == '"') return true;
  }
  if (value.get_string().get(out) == simdjson::SUCCESS) return true;
  simdjson::ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == simdjson::ondemand::json_type::string) return false;  // a broken escape
  if (!RawView(value, out)) return false;
  if (type == simdjson::ondemand::json_type::null) out = {};
  return true;
}

bool JsonText(JsonValue value, std::string& out) {
  std::string_view text;
  if (!JsonView(value, text)) return false;
  out = text;
  return true;
}

bool JsonRaw(JsonValue value, std::string& out) {
  std::string_view text;
  if (!RawView(value, text)) return false;
  out = text;
  return true;
}

std::optional<int64_t> JsonInteger(JsonValue value) {
  simdjson::ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return std::nullopt;
  int64_t number = 0;
  if (type == simdjson::ondemand::json_type::number) {
    if (value.get_int64().get(number) == simdjson::SUCCESS) return number;
    return std::nullopt;
  }
  std::string_view text;
  if (type != simdjson::ondemand::json_type::string ||
      value.get_string().get(text) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> JsonBoolean(JsonValue value) {
  bool boolean = false;
  if (value.get_bool().get(boolean) == simdjson::SUCCESS) return boolean;
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

simdjson::ondemand::parser& ThreadJsonParser() {
  thread_local simdjson::ondemand::parser parser;
  return parser;
}

std::optional<std::string> MendJson(std::string_view record) {
  if (const size_t cut = record.rfind(kTruncated);
      cut != std::string_view::npos && cut + kTruncated.size() + 2 >= record.size()) {
    record = record.substr(0, cut);
  }
  std::string text = IsUtf8(record) ? std::string(record) : ReplaceInvalidUtf8(record);
  Closer closer;
  if (!closer.Follow(text)) return std::nullopt;
  closer.Close(text);
  return text;
}

bool HasKey(std::string_view record, std::string_view key, size_t within) {
  record = record.substr(0, within);
  for (size_t at = record.find(key); at != std::string_view::npos; at = record.find(key, at + 1)) {
    size_t end = at + key.size();
    if (at == 0 || record[at - 1] != '"' || end >= record.size() || record[end] != '"') continue;
    for (++end; end < record.size(); ++end) {
      if (record[end] == ':') return true;
      if (record[end] != ' ' && record[end] != '\n' && record[end] != '\t') break;
    }
  }
  return false;
}

}  // namespace ekshume::log
