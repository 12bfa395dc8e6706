// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "casefile/case.h"
#include "cli/finding_rows.h"
#include "cli/program.h"

namespace ekshume::cli {
namespace {

struct FindingsOptions {
  std::string case_path;
  std::string level = "informational";
};

Result<void> Print(Program& program, const FindingsOptions& options) {
  EKSHUME_TRY(CheckLevel(options.level));
  const auto opened = EKSHUME_TRY(casefile::Case::Open(options.case_path));
  const casefile::Json report =
      casefile::Json::parse(EKSHUME_TRY(opened->Report()), nullptr, false);
  if (!report.is_object() || !report.contains("findings")) {
    return Fail(ErrorCode::kNotFound,
                "the case has no findings yet: `ekshume investigate " + options.case_path + "`");
  }
  return PrintFindings(program, report["findings"], options.level);
}

}  // namespace

void AddFindingsVerb(Program& program) {
  const auto options = std::make_shared<FindingsOptions>();
  CLI::App* verb = program.app.add_subcommand(
      "findings", "what `investigate` found suspicious in a case, the worst first");
  verb->footer(
      "The events of a finding: ekshume search CASE 'id:...'. docs/detect.md has the keys.\n"
      "Examples:\n"
      "  ekshume findings mycase --level high\n"
      "  ekshume findings mycase --format jsonl");
  verb->add_option("case", options->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  verb->add_option("--level", options->level, "only findings of this level and above")
      ->type_name("LEVEL");
  program.AddOutputOptions(*verb);
  verb->callback([&program, options] {
    program.action = [&program, options] { return Print(program, *options); };
  });
}

}  // namespace ekshume::cli
