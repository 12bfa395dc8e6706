// SPDX-License-Identifier: Apache-2.0
#include "live/respond/aws_auth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "runtime/yaml.h"

namespace ekshume::live::respond {
namespace {

constexpr std::array<const char*, 3> kLists = {"mapRoles", "mapUsers", "mapAccounts"};

Result<Json> RowsOf(const Json& config_map, const char* list) {
  const std::string text = wire::TextOf(wire::ObjectOf(config_map, "data"), list);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return Json::array();
  const auto parsed = runtime::ParseYaml(text);
  if (!parsed) return WithContext(parsed.error(), fmt::format("aws-auth: {}", list));
  const Json rows = Json::parse(parsed->dump());
  if (rows.is_null()) return Json::array();
  if (!rows.is_array()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("aws-auth: {} is no list", list));
  }
  return rows;
}

std::vector<std::string> GroupsOf(const Json& row) {
  std::vector<std::string> groups;
  for (const Json& group : wire::ArrayOf(row, "groups")) {
    if (group.is_string()) groups.push_back(group.get<std::string>());
  }
  return groups;
}

bool IsForNodes(const Json& row) {
  return std::ranges::any_of(GroupsOf(row), [](const std::string& group) {
    return group == "system:nodes" || group == "system:bootstrappers" ||
           group == "system:node-proxier";
  });
}

struct Principal {
  std::string account;
  std::string kind;  // role, user, root
  std::string name;  // without its path
};

// "arn:aws:iam::A:role/path/N", "arn:aws:sts::A:assumed-role/N/SESSION": rows of aws-auth have no
// path of a role.
Principal PrincipalOf(std::string_view arn) {
  std::vector<std::string_view> parts;
  while (parts.size() < 5) {
    const size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    parts.push_back(arn.substr(0, colon));
    arn.remove_prefix(colon + 1);
  }
  Principal principal{.account = std::string(parts[4]), .kind = "", .name = ""};
  const auto words = SplitNonEmpty(arn, '/');
  if (words.empty()) return principal;
  principal.kind = words[0] == "assumed-role" ? "role" : std::string(words[0]);
  if (words.size() > 1) {
    principal.name = std::string(words[0] == "assumed-role" ? words[1] : words.back());
  }
  return principal;
}

bool Names(const Json& row, const char* list, std::string_view arn) {
  const Principal wanted = PrincipalOf(arn);
  if (std::string_view(list) == "mapAccounts") {
    return wanted.kind == "root" && row.is_string() && row.get<std::string>() == wanted.account;
  }
  const char* member = std::string_view(list) == "mapRoles" ? "rolearn" : "userarn";
  const std::string of_row = wire::TextOf(row, member);
  if (of_row.empty()) return false;
  if (of_row == arn) return true;
  const Principal principal = PrincipalOf(of_row);
  return !wanted.name.empty() && principal.account == wanted.account &&
         principal.kind == wanted.kind && principal.name == wanted.name;
}

std::string Describe(const Json& row, const char* list) {
  if (row.is_string()) return fmt::format("account {}", row.get<std::string>());
  const bool is_role = std::string_view(list) == "mapRoles";
  return fmt::format("{} {} as {} ({})", is_role ? "role" : "user",
                     wire::TextOf(row, is_role ? "rolearn" : "userarn"),
                     wire::TextOf(row, "username"), fmt::join(GroupsOf(row), ", "));
}

// The text of a plain block list in pieces, one for each item, what is before the first as its own
// piece; nothing when it is written in another way.
std::optional<std::vector<std::string>> PiecesOf(const std::string& text, const Json& rows) {
  std::vector<std::string> pieces(1);
  size_t indent = std::string::npos;
  for (size_t begin = 0; begin < text.size();) {
    const size_t newline = text.find('\n', begin);
    const size_t end = newline == std::string::npos ? text.size() : newline + 1;
    const std::string line = text.substr(begin, end - begin);
    begin = end;
    const size_t first = line.find_first_not_of(' ');
    const bool is_item = first != std::string::npos && line[first] == '-' &&
                         first + 1 < line.size() &&
                         (line[first + 1] == ' ' || line[first + 1] == '\n');
    if (is_item && indent == std::string::npos) indent = first;
    if (is_item && first == indent) pieces.emplace_back();
    pieces.back() += line;
  }
  if (pieces.size() != rows.size() + 1) return std::nullopt;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto item = runtime::ParseYaml(pieces[i + 1]);
    if (!item || Json::parse(item->dump()) != Json::array({rows[i]})) return std::nullopt;
  }
  return pieces;
}

void Emit(YAML::Emitter& out, const Json& value) {
  if (value.is_string()) {
    out << YAML::DoubleQuoted << value.get<std::string>();
  } else {
    // A row: texts, and lists of texts.
    out << YAML::BeginMap;
    for (const auto& [name, member] : value.items()) {
      out << YAML::Key << name << YAML::Value;
      if (member.is_array()) {
        out << YAML::BeginSeq;
        for (const Json& text : member) {
          out << YAML::DoubleQuoted << (text.is_string() ? text.get<std::string>() : text.dump());
        }
        out << YAML::EndSeq;
      } else {
        out << YAML::DoubleQuoted
            << (member.is_string() ? member.template get<std::string>() : member.dump());
      }
    }
    out << YAML::EndMap;
  }
}

std::string WriteRows(const Json& rows) {
  YAML::Emitter out;
  out << YAML::BeginSeq;
  for (const Json& row : rows) Emit(out, row);
  out << YAML::EndSeq;
  return fmt::format("{}\n", out.c_str());
}

void AddLines(std::string& diff, const char* list, std::string_view text) {
  for (const std::string_view line : SplitNonEmpty(text, '\n')) {
    diff += fmt::format("- {}: {}\n", list, line);
  }
}

Result<void> EditList(const Json& config_map, const char* list, std::string_view arn,
                      AwsAuthEdit& edit) {
  const Json rows = EKSHUME_TRY(RowsOf(config_map, list));
  Json kept = Json::array();
  std::vector<bool> goes(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool is_named = Names(rows[i], list, arn);
    goes[i] = is_named && !IsForNodes(rows[i]);
    if (goes[i]) {
      edit.removed.push_back(Describe(rows[i], list));
    } else {
      kept.push_back(rows[i]);
      if (is_named) edit.for_nodes.push_back(Describe(rows[i], list));
    }
  }
  if (kept.size() == rows.size()) return {};
  const std::string text = wire::TextOf(wire::ObjectOf(config_map, "data"), list);
  std::string written;
  const auto pieces = PiecesOf(text, rows);
  if (pieces) {
    written = pieces->front();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (goes[i]) {
        AddLines(edit.diff, list, (*pieces)[i + 1]);
      } else {
        written += (*pieces)[i + 1];
      }
    }
    if (kept.empty()) written = "[]\n";
  } else {
    written = kept.empty() ? "[]\n" : WriteRows(kept);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (goes[i]) AddLines(edit.diff, list, rows[i].dump());
    }
  }
  edit.patch["data"][list] = written;
  return {};
}

}  // namespace

bool IsAwsAuth(const Json& object) {
  const Json& metadata = wire::ObjectOf(object, "metadata");
  return wire::TextOf(object, "kind") == "ConfigMap" &&
         wire::TextOf(metadata, "name") == "aws-auth" &&
         wire::TextOf(metadata, "namespace") == "kube-system";
}

Result<AwsAuthEdit> WithoutPrincipal(const Json& config_map, std::string_view arn) {
  AwsAuthEdit edit;
  for (const char* list : kLists) EKSHUME_TRY(EditList(config_map, list, arn, edit));
  const Principal principal = PrincipalOf(arn);
  for (const Json& account : EKSHUME_TRY(RowsOf(config_map, "mapAccounts"))) {
    if (principal.kind != "root" && account.is_string() &&
        account.get<std::string>() == principal.account) {
      edit.account_is_mapped = true;
    }
  }
  Json after = config_map;
  if (edit.patch.is_object()) after.merge_patch(edit.patch);
  EKSHUME_TRY(CheckNodesStay(config_map, after));
  return edit;
}

Result<void> CheckNodesStay(const Json& before, const Json& after) {
  std::set<std::string> kept;
  for (const char* list : kLists) {
    const auto rows = RowsOf(after, list);
    if (!rows) {
      return Fail(
          ErrorCode::kUnsupported,
          fmt::format("refused, as the nodes could be locked out: {}", rows.error().message));
    }
    for (const Json& row : *rows) kept.insert(list + wire::DumpJson(row));
  }
  for (const char* list : kLists) {
    const auto rows = RowsOf(before, list);
    if (!rows) continue;
    for (const Json& row : *rows) {
      if (IsForNodes(row) && !kept.contains(list + wire::DumpJson(row))) {
        return Fail(
            ErrorCode::kUnsupported,
            fmt::format("refused: it would lock nodes out, whose row is {}", Describe(row, list)));
      }
    }
  }
  return {};
}

}  // namespace ekshume::live::respond
