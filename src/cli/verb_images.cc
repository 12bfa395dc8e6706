// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "casefile/container_view.h"
#include "casefile/json.h"
#include "cli/file_verbs.h"
#include "cli/objects.h"
#include "cli/program.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

Result<void> List(Program& program) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  std::vector<Json> rows;
  for (const runtime::Image& image : inventory.images) rows.push_back(casefile::ToJson(image));
  return PrintObjects(
      program, rows,
      {{"reference",
        [](const Json& image) {
          return image["references"].empty() ? std::string("<none>")
                                             : image["references"][0].get<std::string>();
        }},
       MemberColumn("id", "id", 19),
       MemberColumn("digest", "digest", 19),
       MemberColumn("pulled", "pulled", 19),
       {"layers", [](const Json& image) { return fmt::format("{}", image["layers"].size()); }},
       MemberColumn("size", "size")});
}

Result<void> Show(Program& program, const std::string& text) {
  const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
  return PrintObject(program, casefile::ToJson(*EKSHUME_TRY(casefile::FindImage(inventory, text))));
}

}  // namespace

void AddImagesVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand("images", "the container images on a node");
  verb->require_subcommand(1);
  verb->footer(
      "ID is a reference, an image id or digest, or the beginning of one.\n"
      "Examples:\n"
      "  ekshume images list disk.img\n"
      "  ekshume images find disk.img registry.test/web:1 /etc");
  CLI::App* list = verb->add_subcommand("list", "every image");
  program.AddEvidenceOptions(*list, false);
  program.AddOutputOptions(*list);
  list->callback([&program] { program.action = [&program] { return List(program); }; });
  CLI::App* show = verb->add_subcommand("show", "one image: its layers, history and configuration");
  program.AddEvidenceOptions(*show, false);
  const auto id = std::make_shared<std::string>();
  show->add_option("id", *id, "which image")->required()->type_name("ID");
  program.AddOutputOptions(*show);
  show->callback(
      [&program, id] { program.action = [&program, id] { return Show(program, *id); }; });
  AddFileVerbs(program, *verb, "which image",
               [](const runtime::Inventory& inventory, const std::string& image,
                  DiagnosticSink& diagnostics) -> Result<casefile::FileView> {
                 return casefile::OpenImage(*EKSHUME_TRY(casefile::FindImage(inventory, image)),
                                            diagnostics);
               });
}

}  // namespace ekshume::cli
