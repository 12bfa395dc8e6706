// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/respond_verbs.h"
#include "live/cloud_state/resource.h"

namespace ekshume::cli {
namespace {

std::string_view NameOf(live::cloud_state::Undo undo) {
  switch (undo) {
    case live::cloud_state::Undo::kPutsBack: return "puts the state back";
    case live::cloud_state::Undo::kKeeps: return "none: it is evidence and stays";
    case live::cloud_state::Undo::kNever: return "none";
  }
  return "";
}

}  // namespace

Result<void> ListResources(Program& program, RespondOptions&) {
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowFormatter rows(program.format);
  for (const live::cloud_state::Resource& resource : live::cloud_state::AllResources()) {
    rows.Begin();
    rows.Text("resource"_key, resource.name);
    rows.Text("parameters"_key, fmt::format("{}", fmt::join(resource.parameters, " ")));
    rows.Text("read_with"_key, resource.read_with);
    rows.Text("undo"_key, NameOf(resource.undo));
    rows.Boolean("slow"_key, resource.is_slow);
    rows.End();
  }
  RowWriter writer(program.format, *output);
  writer.Write(rows.Take(), rows.keys());
  writer.Finish();
  return output->Finish();
}

}  // namespace ekshume::cli
