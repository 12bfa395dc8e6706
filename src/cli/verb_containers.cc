// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "casefile/changes.h"
#include "casefile/container_view.h"
#include "casefile/json.h"
#include "cli/file_verbs.h"
#include "cli/objects.h"
#include "cli/program.h"
#include "fs/overlay/diff_style.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

struct ContainersOptions {
  std::string id;
  std::string style = "ekshume";
  bool no_hash = false;
  bool all = false;
};

std::string PodColumn(const Json& container) {
  if (container["pod"].is_null()) return Member(container, "ecs.task_family");
  return Member(container, "pod.namespace") + "/" + Member(container, "pod.name");
}

std::string StateColumn(const Json& container) {
  std::string state = Member(container, "state");
  if (const std::string code = Member(container, "exit_code"); state == "exited" && !code.empty()) {
    state += " " + code;
  }
  if (const std::string from = Member(container, "recovered_from"); !from.empty()) {
    state += " (from " + from + ")";
  }
  return state;
}

Result<void> List(Program& program) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  std::vector<Json> rows;
  for (const auto& container : inventory.containers) rows.push_back(casefile::ToJson(container));
  return PrintObjects(program, rows,
                      {MemberColumn("id", "id", 12),
                       MemberColumn("kind", "kind"),
                       {"pod", PodColumn},
                       {"name",
                        [](const Json& c) {
                          const std::string in_pod = Member(c, "pod.container");
                          return in_pod.empty() ? Member(c, "name") : in_pod;
                        }},
                       {"state", StateColumn},
                       MemberColumn("created", "created", 19),
                       MemberColumn("image", "image")});
}

Result<void> Show(Program& program, const ContainersOptions& options) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  const auto* container = EKSHUME_TRY(casefile::FindContainer(inventory, options.id));
  return PrintObject(program, casefile::ToJson(*container));
}

Result<void> Diff(Program& program, const ContainersOptions& options) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  const auto* container = EKSHUME_TRY(casefile::FindContainer(inventory, options.id));
  const auto view = EKSHUME_TRY(casefile::OpenContainer(*container, program.diagnostics));
  if (options.style != "ekshume") {
    const auto lines = options.style == "docker"
                           ? fs::overlay::DockerDiff(*view.overlay, view.own_layer_count,
                                                     program.diagnostics, &program.progress)
                           : fs::overlay::ContainerdDiff(*view.overlay, view.own_layer_count,
                                                         program.diagnostics, &program.progress);
    if (!lines) return lines.error();
    const auto output = EKSHUME_TRY(program.OpenOutput());
    for (const std::string& line : *lines) output->Write(line + "\n");
    return output->Finish();
  }
  const auto changes =
      EKSHUME_TRY(casefile::FindChanges(*container, view, program.diagnostics, &program.progress));
  std::vector<Json> rows;
  for (const auto& change : changes.entries) {
    rows.push_back(casefile::ToJson(change, view, !options.no_hash));
  }
  return PrintObjects(
      program, rows,
      {MemberColumn("change", "change"), MemberColumn("type", "type"), MemberColumn("mode", "mode"),
       MemberColumn("size", "size"), MemberColumn("mtime", "mtime", 19),
       MemberColumn("kind", "kind"), MemberColumn("path", "path"),
       MemberColumn("notable", "notable"), MemberColumn("from layer", "from_layer.directory")});
}

// The layers a container stands on, topmost first, with what the image says made each.
Result<void> History(Program& program, const ContainersOptions& options) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  const auto* container = EKSHUME_TRY(casefile::FindContainer(inventory, options.id));
  const runtime::Image* image = nullptr;
  for (const runtime::Image& candidate : inventory.images) {
    const bool fits = candidate.layers.lower == container->layers.lower ||
                      (!candidate.layers.lower.empty() &&
                       std::ranges::find(container->layers.lower, candidate.layers.lower.front()) !=
                           container->layers.lower.end());
    if (fits) image = &candidate;
  }
  std::vector<Json> rows;
  const auto add = [&](std::string_view role, const runtime::Location& location) {
    rows.push_back({{"layer", rows.size()},
                    {"role", role},
                    {"directory", "/" + location.path},
                    {"diff_id", nullptr},
                    {"created_by", nullptr}});
  };
  if (container->layers.upper) add("container", *container->layers.upper);
  const std::vector<runtime::Location>& lower = container->layers.lower;
  for (size_t i = 0; i < lower.size(); ++i) {
    add(i < container->layers.init_layer_count ? "runtime" : "image", lower[i]);
    if (image == nullptr) continue;
    // The image's lists run bottom first.
    const size_t from_bottom = lower.size() - 1 - i;
    if (from_bottom < image->diff_ids.size()) rows.back()["diff_id"] = image->diff_ids[from_bottom];
    if (image->history.size() == image->diff_ids.size() && from_bottom < image->history.size()) {
      rows.back()["created_by"] = image->history[from_bottom];
    }
  }
  for (const std::string& missing : container->layers.missing) {
    rows.push_back({{"layer", rows.size()},
                    {"role", "missing"},
                    {"directory", missing},
                    {"diff_id", nullptr},
                    {"created_by", nullptr}});
  }
  return PrintObjects(
      program, rows,
      {MemberColumn("layer", "layer"), MemberColumn("role", "role"),
       MemberColumn("directory", "directory"), MemberColumn("created by", "created_by", 60)});
}

}  // namespace

void AddContainersVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand("containers", "the containers that were on a node");
  verb->require_subcommand(1);
  verb->footer(
      "ID is a container's id or the beginning of one, its name, or [namespace/]pod[/container].\n"
      "Examples:\n"
      "  ekshume containers list disk.img\n"
      "  ekshume containers diff disk.img 376ed2ebfa27          what changed since its image\n"
      "  ekshume containers cat disk.img shop/webshop /root/.bash_history\n"
      "  ekshume containers export disk.img 376ed2ebfa27 --output webshop.tar\n"
      "  ekshume containers mount disk.img 376ed2ebfa27 --at /mnt/webshop");
  const auto options = std::make_shared<ContainersOptions>();
  const auto add = [&](const char* name, const char* help, bool with_id, auto configure, auto run) {
    CLI::App* subverb = verb->add_subcommand(name, help);
    program.AddEvidenceOptions(*subverb, false);
    if (with_id) {
      subverb->add_option("id", options->id, "which container")->required()->type_name("ID");
    }
    program.AddOutputOptions(*subverb);
    configure(*subverb);
    subverb->callback([&program, run, options] {
      program.action = [&program, run, options] { return run(program, *options); };
    });
  };
  const auto nothing = [](CLI::App&) {};
  add("list", "every container, also those only traces are left of", false, nothing,
      [](Program& p, const ContainersOptions&) { return List(p); });
  add("show", "everything the runtime recorded about one container", true, nothing, Show);
  add(
      "diff", "what a container changed in its image's files", true,
      [&](CLI::App& subverb) {
        subverb
            .add_option("--style", options->style,
                        "ekshume, docker (as `docker diff`) or containerd (as its differ)")
            ->check(CLI::IsMember({"ekshume", "docker", "containerd"}));
        subverb.add_flag("--no-hash", options->no_hash, "do not hash the changed files");
      },
      Diff);
  add("history", "the layers a container stands on, topmost first", true, nothing, History);
  AddFileVerbs(program, *verb, "which container",
               [](const runtime::Inventory& inventory, const std::string& id,
                  DiagnosticSink& diagnostics) -> Result<casefile::FileView> {
                 const auto* container = EKSHUME_TRY(casefile::FindContainer(inventory, id));
                 return casefile::OpenContainer(*container, diagnostics);
               });
}

}  // namespace ekshume::cli
