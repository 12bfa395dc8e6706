// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "base/text.h"
#include "casefile/whois.h"
#include "cli/objects.h"
#include "cli/program.h"
#include "fs/path.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Result<void> Run(Program& program, const std::string& path) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  const auto owners = casefile::WhoOwns(inventory, path);
  if (owners.empty()) {
    // The host's own, or not there at all: the user should know which.
    const casefile::Volume* volume = EKSHUME_TRY(program.evidence->Select(std::nullopt));
    EKSHUME_TRY(fs::ResolvePath(*volume->filesystem, path, fs::FollowLast::kNo));
  }
  std::vector<Json> rows;
  for (const casefile::Ownership& owner : owners) {
    rows.push_back({{"path", path},
                    {"relation", owner.relation},
                    {"container_id", TextOrNull(owner.container_id)},
                    {"pod", TextOrNull(owner.pod)},
                    {"pod_uid", TextOrNull(owner.pod_uid)},
                    {"image", TextOrNull(owner.image)},
                    {"path_inside", TextOrNull(owner.path_inside)},
                    {"detail", TextOrNull(owner.detail)}});
  }
  if (rows.empty()) {
    rows.push_back({{"path", path},
                    {"relation", "host"},
                    {"container_id", nullptr},
                    {"pod", nullptr},
                    {"pod_uid", nullptr},
                    {"image", nullptr},
                    {"path_inside", nullptr},
                    {"detail", "the host's own: of no container, image, pod or volume"}});
  }
  return PrintObjects(
      program, rows,
      {MemberColumn("relation", "relation"), MemberColumn("pod", "pod"),
       MemberColumn("container", "container_id", 12), MemberColumn("image", "image"),
       MemberColumn("path inside", "path_inside"), MemberColumn("detail", "detail")});
}

}  // namespace

void AddWhoisVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand(
      "whois", "which container, image, pod or volume a path on the host belongs to");
  verb->footer(
      "Example:\n"
      "  ekshume whois disk.img "
      "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/42/fs/tmp/x");
  program.AddEvidenceOptions(*verb, false);
  const auto path = std::make_shared<std::string>();
  verb->add_option("path", *path, "a path on the host")->required()->type_name("PATH");
  program.AddOutputOptions(*verb);
  verb->callback(
      [&program, path] { program.action = [&program, path] { return Run(program, *path); }; });
}

}  // namespace ekshume::cli
