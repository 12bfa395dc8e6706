// SPDX-License-Identifier: Apache-2.0
#include "cli/finding_rows.h"

#include <fmt/format.h>

#include "cli/objects.h"
#include "detect/finding.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

int RankOf(const std::string& level) { return detect::LevelRank(level).value_or(2); }

std::string Where(const Json& finding) {
  std::string where;
  const char* const keys[] = {"node", "namespace", "pod", "container_id", "object", "path"};
  for (const char* key : keys) {
    const std::string part = Member(finding, key);
    // What has a pod is on a node, and in a container of which the id says little to people.
    const bool is_known = (key == keys[0] || key == keys[3]) && !finding["pod"].is_null();
    if (part.empty() || is_known) continue;
    where += (where.empty() ? "" : "/") + (key == keys[3] ? part.substr(0, 12) : part);
  }
  return where;
}

}  // namespace

Result<void> CheckLevel(const std::string& level) {
  if (detect::LevelRank(level)) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no level: informational, low, medium, high or critical", level));
}

Result<void> PrintFindings(Program& program, const Json& findings, const std::string& level) {
  std::vector<Json> rows;
  for (const Json& finding : findings) {
    if (RankOf(Member(finding, "level")) >= RankOf(level)) rows.push_back(finding);
  }
  return PrintObjects(program, rows,
                      {MemberColumn("level", "level"),
                       MemberColumn("count", "count"),
                       MemberColumn("first", "first", 19),
                       MemberColumn("title", "title"),
                       MemberColumn("actor", "actor"),
                       {"where", Where}});
}

}  // namespace ekshume::cli
