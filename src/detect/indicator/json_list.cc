// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/limits.h"
#include "detect/indicator/list.h"

namespace ekshume::detect::indicator {
namespace {

namespace dom = simdjson::dom;

std::string_view Member(const dom::element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get_string().get(text) != simdjson::SUCCESS) return {};
  return text;
}

bool IsTrue(const dom::element& object, std::string_view key) {
  bool value = false;
  return object[key].get_bool().get(value) == simdjson::SUCCESS && value;
}

bool IsFalse(const dom::element& object, std::string_view key) {
  bool value = true;
  return object[key].get_bool().get(value) == simdjson::SUCCESS && !value;
}

// Says where JSON is broken, which simdjson does not.
class FaultFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return Enter(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return Leave(); }
  bool start_array(size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    offset = position;
    return false;
  }
  size_t offset = 0;
  bool is_too_deep = false;

 private:
  bool Enter() {
    is_too_deep = is_too_deep || ++depth_ > limits::kMaxDocumentDepth;
    return !is_too_deep;
  }
  bool Leave() {
    --depth_;
    return true;
  }
  int depth_ = 0;
};

size_t LineAt(std::string_view text, size_t offset) {
  return 1 + static_cast<size_t>(std::ranges::count(text.substr(0, offset), '\n'));
}

// The line of a value that comes soon behind those found before: lists are read in order.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  // 0 when it does not stand there as it is.
  size_t Of(std::string_view value) {
    if (value.empty()) return 0;
    const size_t ahead = text_.substr(at_, kLookAheadBytes).find(value);
    if (ahead == std::string_view::npos) return 0;
    const size_t found = at_ + ahead;
    line_ += static_cast<size_t>(std::ranges::count(text_.substr(at_, found - at_), '\n'));
    at_ = found;
    return line_;
  }

 private:
  // So that values with escapes do not cost a pass over the whole list each.
  static constexpr size_t kLookAheadBytes = size_t{64} << 10;
  const std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
};

// What is left out by its kind is named once for each.
class LeftOut {
 public:
  void Add(std::string_view what) {
    if (counts_.size() < 64 || counts_.contains(what)) ++counts_[std::string(what)];
  }
  void Report(std::string_view sentence, ListSink& sink) const {
    for (const auto& [what, count] : counts_) {
      sink.Doubt(0, fmt::format(fmt::runtime(sentence), what, count));
    }
  }

 private:
  std::map<std::string, size_t, std::less<>> counts_;
};

class MispReader {
 public:
  MispReader(std::string_view json, ListSink& sink) : lines_(json), sink_(sink) {}

  // Any value in which events or attributes may lie.
  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDocumentDepth
  bool Read(const dom::element& value, std::string_view description) {
    dom::array list;
    if (value.get_array().get(list) == simdjson::SUCCESS) {
      for (const dom::element item : list) {
        if (!Read(item, description)) return false;
      }
      return true;
    }
    if (!value.is_object()) return true;
    is_any_ = is_any_ || !Member(value, "type").empty();
    if (!Member(value, "type").empty() && value["value"].error() == simdjson::SUCCESS) {
      return ReadAttribute(value, description);
    }
    const std::string_view info = Member(value, "info");
    for (const std::string_view key : {"response", "Event", "Attribute", "Object"}) {
      dom::element inner;
      if (value[key].get(inner) != simdjson::SUCCESS) continue;
      is_any_ = true;
      if (!Read(inner, info.empty() ? description : info)) return false;
    }
    return true;
  }

  void Finish() {
    if (!is_any_) {
      sink_.Refuse(1, "is JSON, but neither a MISP event nor a STIX 2.1 bundle");
    }
    types_.Report("attributes of the type {} are not looked for ({} of them)", sink_);
    if (not_for_detection_ > 0) {
      sink_.Doubt(0, fmt::format("{} attributes are not meant for detection (to_ids is false)",
                                 not_for_detection_));
    }
  }

 private:
  bool ReadAttribute(const dom::element& attribute, std::string_view event) {
    const std::string_view type = Member(attribute, "type");
    const std::string_view value = Member(attribute, "value");
    if (IsTrue(attribute, "deleted")) return true;
    const size_t line = lines_.Of(value);
    const size_t bar = type.find('|');
    const std::string_view second_type = bar == std::string_view::npos ? "" : type.substr(bar + 1);
    // malware-sample is a file's name and MD5.
    const std::optional<Kind> first =
        type == "malware-sample" ? Kind::kName : KindOfWord(type.substr(0, bar));
    const std::optional<Kind> second =
        type == "malware-sample" ? std::optional(Kind::kHash) : KindOfWord(second_type);
    if (!first && !second) {
      types_.Add(type);
      return true;
    }
    if (IsFalse(attribute, "to_ids")) {
      ++not_for_detection_;
      return true;
    }
    const std::string_view comment = Member(attribute, "comment");
    const std::string description = comment.empty() || event.empty()
                                        ? std::string(comment.empty() ? event : comment)
                                        : fmt::format("{}: {}", event, comment);
    if (bar == std::string_view::npos && type != "malware-sample") {
      return sink_.Add(*first, value, line, description);
    }
    const size_t split = value.find('|');
    const std::string_view left = value.substr(0, split);
    const std::string_view right =
        split == std::string_view::npos ? std::string_view() : value.substr(split + 1);
    // Beside a hash a name says nothing more, and it may be a common one.
    if (second == Kind::kHash) return sink_.Add(Kind::kHash, right, line, description);
    if (first && !sink_.Add(*first, left, line, description)) return false;
    return !second || sink_.Add(*second, right, line, description);
  }

  Lines lines_;
  ListSink& sink_;
  LeftOut types_;
  size_t not_for_detection_ = 0;
  bool is_any_ = false;
};

void ReadStix(std::string_view json, const dom::array& objects, ListSink& sink) {
  Lines lines(json);
  LeftOut languages;
  for (const dom::element object : objects) {
    if (!object.is_object() || Member(object, "type") != "indicator") continue;
    if (IsTrue(object, "revoked")) continue;
    const std::string_view language = Member(object, "pattern_type");
    if (!language.empty() && language != "stix") {
      languages.Add(language);
      continue;
    }
    const size_t line = lines.Of(Member(object, "id"));
    const std::string_view name = Member(object, "name");
    ParseStixPattern(Member(object, "pattern"), line,
                     name.empty() ? Member(object, "description") : name, sink);
  }
  languages.Report("indicators in the language {} are not read here ({} of them)", sink);
}

void RefuseBroken(std::string_view json, simdjson::error_code error, ListSink& sink) {
  FaultFinder finder;
  nlohmann::json::sax_parse(json, &finder);
  if (finder.is_too_deep || error == simdjson::DEPTH_ERROR) {
    sink.Refuse(0, "is JSON nested too deeply (kMaxDocumentDepth)");
    return;
  }
  sink.Refuse(LineAt(json, finder.offset),
              fmt::format("is broken JSON: {}", simdjson::error_message(error)));
}

}  // namespace

void ParseJsonList(std::string_view json, ListSink& sink) {
  dom::parser parser;
  dom::element root;
  simdjson::error_code error =
      parser.allocate(json.size(), static_cast<size_t>(limits::kMaxDocumentDepth));
  if (error == simdjson::SUCCESS) error = parser.parse(json.data(), json.size()).get(root);
  if (error != simdjson::SUCCESS) {
    RefuseBroken(json, error, sink);
    return;
  }
  dom::array objects;
  if (root.is_object() && Member(root, "type") == "bundle") {
    if (root["objects"].get_array().get(objects) == simdjson::SUCCESS) {
      ReadStix(json, objects, sink);
    } else {
      sink.Refuse(1, "is a STIX bundle without objects");
    }
    return;
  }
  if (root.get_array().get(objects) == simdjson::SUCCESS && objects.size() > 0 &&
      objects.at(0).is_object() && Member(objects.at(0), "id").contains("--")) {
    ReadStix(json, objects, sink);
    return;
  }
  MispReader reader(json, sink);
  reader.Read(root, {});
  reader.Finish();
}

}  // namespace ekshume::detect::indicator
