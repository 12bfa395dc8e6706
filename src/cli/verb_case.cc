// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <memory>

#include "casefile/case.h"
#include "casefile/ingest_report.h"
#include "casefile/json.h"
#include "casefile/search/event_search.h"
#include "cli/event_rows.h"
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

// The evidence items of a case with their counts.
Result<void> Items(Program& program, const std::string& path) {
  const auto store = EKSHUME_TRY(casefile::OpenEvents(path));
  std::vector<Json> rows;
  for (const event::Item& item : EKSHUME_TRY(store->Items()))
    rows.push_back(casefile::ToJson(item));
  std::vector<Column> columns = {MemberColumn("item", "name", 60)};
  for (const char* key : {"records", "extra", "rows", "duplicates", "folded", "skipped", "damaged",
                          "unknown", "formats"}) {
    columns.push_back(MemberColumn(key, key));
  }
  return PrintObjects(program, rows, columns);
}

// The case, or the records of some of its events as they were found.
Result<void> Show(Program& program, const std::string& path,
                  const std::vector<std::string>& events) {
  if (events.empty()) return PrintObject(program, CaseJson(*EKSHUME_TRY(Case::Open(path))));
  const auto store = EKSHUME_TRY(casefile::OpenEvents(path));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  for (const std::string& id : events) {
    const auto record = EKSHUME_TRY(store->Record(id));
    if (!record) return Fail(ErrorCode::kNotFound, "no event " + id + " in this case");
    output->Write(*record);
    output->Write("\n");
  }
  return output->Finish();
}

}  // namespace

void AddCaseVerb(Program& program) {
  CLI::App* case_verb = program.app.add_subcommand("case", "the cases that `investigate` left");
  case_verb->require_subcommand(1);
  case_verb->footer(
      "Examples:\n"
      "  ekshume case list\n"
      "  ekshume case items mycase        how many records of each item became events\n"
      "  ekshume case show mycase ID      the record of an event, byte for byte\n"
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
  CLI::App* show =
      case_verb->add_subcommand("show", "one case, or the records of events as they were found");
  const auto events = std::make_shared<std::vector<std::string>>();
  show->add_option("case", *path, "a case")->required()->type_name("CASE");
  show->add_option("event", *events, "ids of events")->type_name("EVENT...");
  program.AddOutputOptions(*show);
  show->callback([&program, path, events] {
    program.action = [&program, path, events] { return Show(program, *path, *events); };
  });
  add("items", "what each evidence item gave, counted", true, Items);
  add("custody", "the custody ledger", true, Custody);
  add("verify", "check the chain of the custody ledger", true, Verify);
}

}  // namespace ekshume::cli
