// SPDX-License-Identifier: Apache-2.0
#include "casefile/report/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

namespace ekshume::casefile::report {
namespace {

constexpr size_t kColumns = 5;
constexpr size_t kMaxInColumn = 16;
constexpr size_t kMaxLabelBytes = 30;  // of an arrow
constexpr size_t kLineBytes = 24;      // of a box
constexpr size_t kMaxLines = 3;        // of a box
constexpr double kBoxWidth = 168;
constexpr double kLineHeight = 14;
constexpr double kColumnGap = 92;
constexpr double kRowGap = 14;
constexpr double kMargin = 8;
constexpr int kSweeps = 4;

// Columns from left to right; -1 is not drawn.
int ColumnOf(std::string_view kind) {
  if (kind == "address") return 0;
  if (kind == "actor") return 1;
  if (kind == "pod" || kind == "secret" || kind == "identity" || kind == "container") return 2;
  if (kind == "node") return 3;
  if (kind == "file") return 4;
  return -1;
}

std::string Text(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : std::string();
}

// The start of a character at or before `at`.
size_t CharacterStart(const std::string& text, size_t at) {
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

std::vector<std::string> Break(const std::string& label) {
  std::vector<std::string> lines;
  std::string rest = label;
  while (rest.size() > kLineBytes && lines.size() + 1 < kMaxLines) {
    // Behind a separator where there is one.
    const size_t separator = rest.find_last_of("/-.:, ", kLineBytes - 1);
    size_t cut = separator != std::string::npos && separator > kLineBytes / 3
                     ? separator + 1
                     : CharacterStart(rest, kLineBytes);
    if (cut == 0) cut = kLineBytes;
    lines.push_back(rest.substr(0, cut));
    rest.erase(0, cut);
  }
  if (rest.size() > kLineBytes) {
    rest = rest.substr(0, CharacterStart(rest, kLineBytes - 3)) + "...";
  }
  lines.push_back(rest);
  return lines;
}

struct Node {
  std::string id, kind, label, level;
  int column = 0;
  double order = 0;  // where its neighbours would have it
};

class Layout {
 public:
  explicit Layout(const Json& graph) { Read(graph); }

  Drawing Draw() {
    Order();
    Place();
    for (const auto& [ends, verbs] : edges_) AddArrow(ends.first, ends.second, verbs);
    for (auto& [id, box] : boxes_) drawing_.boxes.push_back(std::move(box));
    for (Box& box : more_) drawing_.boxes.push_back(std::move(box));
    return std::move(drawing_);
  }

 private:
  void Read(const Json& graph) {
    if (!graph.is_object() || !graph.contains("nodes") || !graph.contains("edges")) return;
    // A container with a pod is drawn as the pod.
    for (const Json& edge : graph["edges"]) {
      const std::string from = Text(edge, "from");
      if (Text(edge, "verb") == "has" && from.starts_with("pod:")) pod_of_[Text(edge, "to")] = from;
    }
    for (const Json& entry : graph["nodes"]) {
      Node node{Text(entry, "id"), Text(entry, "kind"), Text(entry, "label"), Text(entry, "level")};
      node.column = ColumnOf(node.kind);
      if (node.column < 0 || pod_of_.contains(node.id)) continue;
      nodes_.push_back(std::move(node));
    }
    std::set<std::string> known;
    for (const Node& node : nodes_) known.insert(node.id);
    for (const Json& edge : graph["edges"]) {
      const std::string from = Drawn(Text(edge, "from"));
      const std::string to = Drawn(Text(edge, "to"));
      if (from == to || !known.contains(from) || !known.contains(to)) continue;
      std::vector<std::string>& verbs = edges_[{from, to}];
      const std::string verb = Text(edge, "verb");
      if (std::ranges::find(verbs, verb) == verbs.end()) verbs.push_back(verb);
    }
  }
  std::string Drawn(const std::string& id) const {
    const auto found = pod_of_.find(id);
    return found == pod_of_.end() ? id : found->second;
  }

  // Puts each node near the middle of its neighbours, a few times over; ids break ties.
  void Order() {
    for (size_t i = 0; i < nodes_.size(); ++i) nodes_[i].order = static_cast<double>(i);
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      std::map<std::string, std::pair<double, double>> sums;
      std::map<std::string, double> order;
      for (const auto& column : Columns()) {
        for (size_t k = 0; k < column.size(); ++k) order[column[k]->id] = static_cast<double>(k);
      }
      for (const auto& [ends, verbs] : edges_) {
        for (const auto& [one, other] : {ends, std::pair(ends.second, ends.first)}) {
          sums[one].first += order[other];
          sums[one].second += 1;
        }
      }
      for (Node& node : nodes_) {
        const auto [sum, count] = sums[node.id];
        node.order = count > 0 ? sum / count : order[node.id];
      }
    }
  }
  std::array<std::vector<Node*>, kColumns> Columns() {
    std::array<std::vector<Node*>, kColumns> columns;
    for (Node& node : nodes_) columns[static_cast<size_t>(node.column)].push_back(&node);
    for (auto& column : columns) {
      std::ranges::sort(column, [](const Node* left, const Node* right) {
        return std::tie(left->order, left->id) < std::tie(right->order, right->id);
      });
    }
    return columns;
  }

  void Place() {
    auto columns = Columns();
    std::array<double, kColumns> heights{};
    double tallest = 0;
    for (size_t c = 0; c < kColumns; ++c) {
      if (columns[c].size() > kMaxInColumn) {
        left_out_[c] = columns[c].size() - kMaxInColumn;
        columns[c].resize(kMaxInColumn);
      }
      for (const Node* node : columns[c]) heights[c] += HeightOf(*node) + kRowGap;
      if (left_out_[c] > 0) heights[c] += 2 * kLineHeight + kRowGap;
      tallest = std::max(tallest, heights[c]);
    }
    double x = kMargin;
    for (size_t c = 0; c < kColumns; ++c) {
      if (columns[c].empty()) continue;
      double y = kMargin + (tallest - heights[c]) / 2;
      for (const Node* node : columns[c]) {
        boxes_[node->id] = {x,          y,           kBoxWidth,         HeightOf(*node),
                            node->kind, node->level, Break(node->label)};
        y += HeightOf(*node) + kRowGap;
      }
      if (left_out_[c] > 0) {
        more_.push_back({x,
                         y,
                         kBoxWidth,
                         2 * kLineHeight,
                         "more",
                         "",
                         {fmt::format("and {} more", left_out_[c])}});
      }
      x += kBoxWidth + kColumnGap;
    }
    drawing_.width = std::max(0.0, x - kColumnGap) + kMargin;
    drawing_.height = tallest + 2 * kMargin;
  }
  static double HeightOf(const Node& node) {
    // The kind stands above the name.
    return kLineHeight * (1 + static_cast<double>(Break(node.label).size())) + 8;
  }

  void AddArrow(const std::string& from, const std::string& to,
                const std::vector<std::string>& verbs) {
    const auto start = boxes_.find(from);
    const auto end = boxes_.find(to);
    if (start == boxes_.end() || end == boxes_.end()) return;
    const Box& one = start->second;
    const Box& other = end->second;
    Arrow arrow;
    const bool forward = one.x < other.x;
    const bool same = one.x == other.x;
    arrow.x1 = one.x + (forward || same ? one.width : 0);
    arrow.x2 = other.x + (forward ? 0 : other.width);
    arrow.y1 = one.y + one.height / 2;
    arrow.y2 = other.y + other.height / 2 + (forward ? 0 : 6);
    const double bend = same ? kColumnGap / 2 : (arrow.x2 - arrow.x1) / 2;
    arrow.cx1 = arrow.x1 + bend;
    arrow.cx2 = same ? arrow.x2 + bend : arrow.x2 - bend;
    arrow.cy1 = arrow.y1;
    arrow.cy2 = arrow.y2;
    for (const std::string& verb : verbs) arrow.label += (arrow.label.empty() ? "" : ", ") + verb;
    if (arrow.label.size() > kMaxLabelBytes) {
      arrow.label = arrow.label.substr(0, CharacterStart(arrow.label, kMaxLabelBytes - 3)) + "...";
    }
    // Nearer to the end, where fewer arrows meet.
    constexpr double kAt = 0.6;
    const auto along = [](double a, double b, double c, double d) {
      const double s = 1 - kAt;
      return s * s * s * a + 3 * s * s * kAt * b + 3 * s * kAt * kAt * c + kAt * kAt * kAt * d;
    };
    arrow.label_x = along(arrow.x1, arrow.cx1, arrow.cx2, arrow.x2);
    arrow.label_y = along(arrow.y1, arrow.cy1, arrow.cy2, arrow.y2);
    drawing_.arrows.push_back(std::move(arrow));
  }

  std::vector<Node> nodes_;
  std::map<std::string, std::string> pod_of_;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> edges_;
  std::map<std::string, Box> boxes_;
  std::vector<Box> more_;
  std::array<size_t, kColumns> left_out_{};
  Drawing drawing_;
};

}  // namespace

Drawing DrawGraph(const Json& graph) { return Layout(graph).Draw(); }

}  // namespace ekshume::casefile::report
