// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <sstream>

#include "base/limits.h"

namespace ekshume::detect::sigma {
namespace {

// Builds trees from the parser's events, which costs a third of what the library's own nodes cost.
class Builder : public YAML::EventHandler {
 public:
  std::vector<Tree> documents;
  std::optional<Error> error;
  size_t error_line = 0;

  void OnDocumentStart(const YAML::Mark& mark) override {
    anchors_.clear();
    open_.clear();
    documents.emplace_back().line = LineOf(mark);
    documents.back().is_null = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Tree node;
    node.is_null = true;
    node.line = LineOf(mark);
    Put(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return Stop(ErrorCode::kCorrupt, "an alias of nothing", mark);
    Tree copy = found->second.Copy();
    nodes_ += Count(copy, 0) - 1;
    copy.line = LineOf(mark);
    Put(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Tree node;
    node.line = LineOf(mark);
    node.text = value;
    // "?": written without quotes.
    node.is_null = tag == "?" && (value == "null" || value == "~" || value == "Null" ||
                                  value == "NULL" || value.empty());
    Put(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Tree::Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Tree::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    Tree node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
  };

  static size_t LineOf(const YAML::Mark& mark) {
    return mark.line < 0 ? 0 : static_cast<size_t>(mark.line) + 1;
  }

  void Stop(ErrorCode code, std::string message, const YAML::Mark& mark) {
    if (error) return;
    error = Fail(code, std::move(message));
    error_line = LineOf(mark);
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxRuleDepth, which Open() keeps
  static size_t Count(const Tree& node, int depth) {
    size_t count = 1;
    for (const Tree& item : node.items) count += Count(item, depth + 1);
    return count;
  }
  // NOLINTNEXTLINE(misc-no-recursion): as above
  static size_t Depth(const Tree& node) {
    size_t deepest = 0;
    for (const Tree& item : node.items) deepest = std::max(deepest, Depth(item));
    return deepest + 1;
  }

  void Open(Tree::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Level level;
    level.node.kind = kind;
    level.node.line = LineOf(mark);
    level.anchor = anchor;
    open_.push_back(std::move(level));
    if (open_.size() > static_cast<size_t>(limits::kMaxRuleDepth)) {
      Stop(ErrorCode::kLimit, "nested too deeply (kMaxRuleDepth)", mark);
    }
  }

  void Close() {
    Level level = std::move(open_.back());
    open_.pop_back();
    if (level.has_key) {  // a key that was a list or a map has gone
      level.node.keys.pop_back();
    }
    Put(std::move(level.node), level.anchor);
  }

  void Put(Tree node, YAML::anchor_t anchor) {
    if (error) return;
    YAML::Mark mark;
    mark.line = static_cast<int>(node.line) - 1;
    if (++nodes_ > limits::kMaxRuleNodes) {
      return Stop(ErrorCode::kLimit, "too much of it (kMaxRuleNodes)", mark);
    }
    if (open_.size() + Depth(node) > static_cast<size_t>(limits::kMaxRuleDepth)) {
      return Stop(ErrorCode::kLimit, "nested too deeply (kMaxRuleDepth)", mark);
    }
    if (anchor != 0) anchors_[anchor] = node.Copy();
    if (open_.empty()) {
      documents.back() = std::move(node);
      return;
    }
    Level& parent = open_.back();
    if (parent.node.kind == Tree::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      if (node.kind != Tree::Kind::kScalar) {
        return Stop(ErrorCode::kCorrupt, "a key that is a list or a map", mark);
      }
      parent.node.keys.push_back(std::move(node.text));
      parent.has_key = true;
    } else {
      parent.node.items.push_back(std::move(node));
      parent.has_key = false;
    }
  }

  std::vector<Level> open_;
  std::map<YAML::anchor_t, Tree> anchors_;
  size_t nodes_ = 0;
};

// The deepest nesting of flow collections. Quoted brackets count too, which only makes it stricter.
// For block collections the library has a guard of its own (depthguard.h) that throws.
int NestingDepth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return deepest;
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxRuleDepth
Tree Tree::Copy() const {
  Tree copy;
  copy.kind = kind;
  copy.is_null = is_null;
  copy.line = line;
  copy.text = text;
  copy.keys = keys;
  copy.items.reserve(items.size());
  for (const Tree& item : items) copy.items.push_back(item.Copy());
  return copy;
}

const Tree* Tree::Find(std::string_view key) const {
  for (size_t i = keys.size(); i > 0; --i) {
    if (keys[i - 1] == key) return &items[i - 1];
  }
  return nullptr;
}

Result<std::vector<Tree>> ParseYamlDocuments(std::string_view yaml, size_t& line) {
  line = 0;
  if (yaml.size() > limits::kMaxRuleFileBytes) {
    return Fail(ErrorCode::kLimit, fmt::format("a file of {} bytes (kMaxRuleFileBytes is {})",
                                               yaml.size(), limits::kMaxRuleFileBytes));
  }
  // Texts in rules hold brackets that are not closed, so this bound is a wide one.
  constexpr int kMaxBrackets = 400;
  if (NestingDepth(yaml) > kMaxBrackets) {
    return Fail(ErrorCode::kLimit, "nested too deeply (kMaxRuleDepth)");
  }
  Builder builder;
  try {
    std::istringstream stream{std::string(yaml)};
    YAML::Parser parser(stream);
    while (!builder.error && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& exception) {  // the library throws at any damage
    line = exception.mark.line < 0 ? 0 : static_cast<size_t>(exception.mark.line) + 1;
    return Fail(ErrorCode::kCorrupt, fmt::format("not YAML: {}", exception.msg));
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kCorrupt, fmt::format("not YAML: {}", exception.what()));
  }
  if (builder.error) {
    line = builder.error_line;
    return *builder.error;
  }
  return std::move(builder.documents);
}

}  // namespace ekshume::detect::sigma
