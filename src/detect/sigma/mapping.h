// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/rule.h"
#include "event/event.h"

// Which events a rule's log source means, and where the values of its fields stand in them. The
// table is in docs/detect.md.
namespace ekshume::detect::sigma {

enum class ViewKind : uint8_t {
  kKubernetesAudit,  // the JSON of an audit event, with the names that rules use besides
  kCloudTrail,       // the JSON of a CloudTrail record
  kJson,             // the JSON or the columns of any source of ekshume's
  kProcess,          // programs that ran or were to run, from whatever says so
  kFile,             // files that were made or changed
  kNetwork,          // connections
  kAuditLine,        // a line of the Linux audit log
  kText,             // lines of text
};

// How events look to the rules of one log source.
struct View {
  ViewKind kind = ViewKind::kJson;
  std::string source;  // kJson: the events' column `source`, empty for all; kText: the service

  friend auto operator<=>(const View&, const View&) = default;
};

// The views of a log source. Empty when ekshume reads no such records.
std::vector<View> ViewsOf(const LogSource& log_source);

// Whether an event may have records in the view: looks at columns only.
bool Applies(const View& view, const event::Event& event);

enum class Virtual : uint8_t {
  kNone,
  kVerb,          // verb, with the words that rules use for the same
  kCapabilities,  // added capabilities; ALL for a privileged container
  kImage,         // programs of a command line, or the process
  kParentImage,
  kCommandLine,
  kUser,
  kTime,
  kInitiated,
};

// Where the values of a field stand.
struct FieldPlan {
  std::string name;
  std::vector<std::string> paths;  // in JSON, with dots; the first that holds something
  bool unite = false;              // all paths, not the first
  Virtual special = Virtual::kNone;
  std::optional<event::Text> text;
  std::optional<event::Number> number;
  bool is_known = true;  // false: no record of the view has such a field
};

FieldPlan PlanField(const View& view, std::string_view name);

// Whether texts are scanned as JSON writes them.
bool ScansJson(const View& view);

// The programs that a command line runs: the first word of each part, past assignments and programs
// that run others, with '/' in front when it names no directory. The command of `sh -c` counts too.
std::vector<std::string> ProgramsOf(std::string_view command_line);

}  // namespace ekshume::detect::sigma
