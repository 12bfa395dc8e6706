// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "base/text.h"
#include "casefile/json.h"
#include "cli/objects.h"
#include "cli/program.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

Result<void> List(Program& program) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  std::vector<Json> rows;
  for (const runtime::Pod& pod : inventory.pods) rows.push_back(casefile::ToJson(pod));
  return PrintObjects(
      program, rows,
      {MemberColumn("namespace", "namespace"),
       MemberColumn("name", "name"),
       MemberColumn("ip", "ip_address"),
       MemberColumn("created", "created", 19),
       {"containers", [](const Json& pod) { return fmt::format("{}", pod["containers"].size()); }},
       MemberColumn("uid", "uid"),
       MemberColumn("from", "recovered_from")});
}

bool Fits(const runtime::Pod& pod, const std::string& text) {
  return pod.uid == text || pod.name == text || pod.namespace_name + "/" + pod.name == text;
}

Result<void> Show(Program& program, const std::string& text) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  const runtime::Pod* found = nullptr;
  for (const runtime::Pod& pod : inventory.pods) {
    if (!Fits(pod, text)) continue;
    if (found != nullptr) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("several pods fit {}; give the namespace too, or the uid", text));
    }
    found = &pod;
  }
  if (found == nullptr) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no pod {} in the evidence; `ekshume pods list` lists them", text));
  }
  Json json = casefile::ToJson(*found);
  // The pod's containers whole, not only their ids.
  Json containers = Json::array();
  for (const runtime::Container& container : inventory.containers) {
    const bool belongs = container.pod && container.pod->uid == found->uid;
    if (belongs) containers.push_back(casefile::ToJson(container));
  }
  if (program.format != OutputFormat::kTable) json["container_records"] = std::move(containers);
  return PrintObject(program, json);
}

}  // namespace

void AddPodsVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand("pods", "the pods that were on a node");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n"
      "  ekshume pods list disk.img\n"
      "  ekshume pods show disk.img shop/webshop --format json");
  CLI::App* list = verb->add_subcommand("list", "every pod, also those only traces are left of");
  program.AddEvidenceOptions(*list, false);
  program.AddOutputOptions(*list);
  list->callback([&program] { program.action = [&program] { return List(program); }; });
  CLI::App* show = verb->add_subcommand("show", "one pod with its containers and volumes");
  program.AddEvidenceOptions(*show, false);
  const auto pod = std::make_shared<std::string>();
  show->add_option("pod", *pod, "[namespace/]name, or uid")->required()->type_name("POD");
  program.AddOutputOptions(*show);
  show->callback(
      [&program, pod] { program.action = [&program, pod] { return Show(program, *pod); }; });
}

}  // namespace ekshume::cli
