// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <memory>

#include "casefile/case.h"
#include "casefile/json.h"
#include "cli/objects.h"
#include "cli/program.h"

namespace ekshume::cli {
namespace {

using casefile::Case;
using casefile::Json;

Json CaseJson(const Case& opened) {
  return {{"path", opened.directory()},
          {"id", opened.id()},
          {"created", FormatTimestamp(opened.created())},
          {"evidence", opened.evidence_paths()}};
}

// The cases in a folder, and the folder itself if it is one.
Result<void> List(Program& program, const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return Fail(ErrorCode::kNotFound, "no such folder: " + folder);
  }
  std::vector<std::string> paths;
  if (Case::IsCase(folder)) paths.push_back(folder);
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (Case::IsCase(entry.path().string()))
      paths.push_back(entry.path().lexically_normal().string());
  }
  std::ranges::sort(paths);
  std::vector<Json> rows;
  for (const std::string& path : paths) {
    rows.push_back(CaseJson(*EKSHUME_TRY(Case::Open(path))));
  }
  return PrintObjects(program, rows,
                      {MemberColumn("case", "path"), MemberColumn("created", "created", 19),
                       MemberColumn("evidence", "evidence")});
}

Result<void> Custody(Program& program, const std::string& path) {
  const auto opened = EKSHUME_TRY(Case::Open(path));
  std::vector<Json> rows;
  for (const std::string& record : EKSHUME_TRY(opened->CustodyRecords())) {
    Json json = Json::parse(record, nullptr, false);
    if (json.is_object()) rows.push_back(std::move(json));
  }
  return PrintObjects(program, rows,
                      {MemberColumn("time", "time", 19), MemberColumn("user", "user"),
                       MemberColumn("host", "host"), MemberColumn("version", "version"),
                       MemberColumn("action", "action"), MemberColumn("evidence", "evidence")});
}

Result<void> Verify(Program& program, const std::string& path) {
  const auto opened = EKSHUME_TRY(Case::Open(path));
  const size_t count = EKSHUME_TRY(opened->VerifyCustody());
  return PrintObject(program, {{"case", path}, {"custody_records", count}, {"chain", "unbroken"}});
}

}  // namespace

void AddCaseVerb(Program& program) {
  CLI::App* case_verb = program.app.add_subcommand("case", "the cases that `investigate` left");
  case_verb->require_subcommand(1);
  case_verb->footer(
      "Examples:\n"
      "  ekshume case list\n"
      "  ekshume case custody mycase      who did what, when, to which evidence\n"
      "  ekshume case verify mycase       whether the custody ledger is unbroken");
  const auto path = std::make_shared<std::string>(".");
  const auto add = [&](const char* name, const char* help, bool required, auto run) {
    CLI::App* verb = case_verb->add_subcommand(name, help);
    auto* option = verb->add_option("case", *path, required ? "a case" : "a folder with cases");
    option->type_name(required ? "CASE" : "FOLDER");
    if (required) option->required();
    program.AddOutputOptions(*verb);
    verb->callback([&program, path, run] {
      program.action = [&program, path, run] { return run(program, *path); };
    });
  };
  add("list", "the cases in a folder (default: here)", false, List);
  add("show", "one case", true, [](Program& p, const std::string& where) -> Result<void> {
    return PrintObject(p, CaseJson(*EKSHUME_TRY(Case::Open(where))));
  });
  add("custody", "the custody ledger", true, Custody);
  add("verify", "check the chain of the custody ledger", true, Verify);
}

}  // namespace ekshume::cli
