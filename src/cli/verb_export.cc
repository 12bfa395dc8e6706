// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "casefile/case.h"
#include "casefile/search/event_search.h"
#include "cli/event_rows.h"
#include "cli/program.h"
#include "event/export/row_writer.h"
#include "event/store/ordered_events.h"

namespace ekshume::cli {
namespace {

constexpr std::string_view kParquet = "parquet";
constexpr size_t kBytesTogether = size_t{1} << 16;

struct ExportOptions {
  std::string case_path;
  std::string format;
  std::string query;
  std::vector<std::string> command_line;
};

// A folder of Parquet files by source and day, as lakes have them: source=k8s_audit/day=2026-11-24.
// Events without a time have the day "unknown".
Result<void> ExportParquet(Program& program, event::Store& store, const std::string& where) {
  if (program.output_path.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "parquet is a folder of files: give --output FOLDER");
  }
  const std::filesystem::path target(program.output_path);
  std::error_code error;
  if (std::filesystem::exists(target, error)) {
    return Fail(ErrorCode::kIo, fmt::format("{} exists already", program.output_path));
  }
  // Complete or not there: another name until it is done.
  const std::string unfinished = program.output_path + ".unfinished";
  std::filesystem::remove_all(unfinished, error);
  const Result<void> copied = store.Execute(
      fmt::format("COPY (SELECT *, coalesce(strftime(time, '%Y-%m-%d'), 'unknown') AS day FROM "
                  "events WHERE {}) "
                  "TO {} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (source, day), "
                  "WRITE_PARTITION_COLUMNS true)",
                  where, event::SqlLiteral(unfinished)));
  if (!copied) {
    std::filesystem::remove_all(unfinished, error);
    return copied.error();
  }
  std::filesystem::rename(unfinished, target, error);
  if (error) {
    return Fail(ErrorCode::kIo,
                fmt::format("cannot make {}: {}", program.output_path, error.message()));
  }
  return {};
}

Result<void> ExportRows(Program& program, event::Store& store, event::ExportFormat format,
                        const std::string& where) {
  const auto rows = EKSHUME_TRY(store.Query(event::OrderedEventsSql("*", where)));
  std::vector<event::ExportColumn> columns;
  for (const event::Rows::Column& column : rows->columns()) {
    columns.push_back({column.name, column.type});
  }
  const auto writer = event::MakeRowWriter(format, columns);
  const auto output = EKSHUME_TRY(program.OpenOutput());
  std::string text;
  writer->AppendHeader(text);
  std::vector<std::optional<std::string_view>> values(columns.size());
  while (!output->failed() && EKSHUME_TRY(rows->Next())) {
    if (program.progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    for (size_t i = 0; i < columns.size(); ++i) {
      values[i] = rows->IsNull(i) ? std::nullopt : std::optional(rows->Text(i));
    }
    writer->AppendRow(values, text);
    if (text.size() >= kBytesTogether) {
      output->Write(text);
      text.clear();
    }
  }
  output->Write(text);
  return output->Finish();
}

Result<void> Export(Program& program, const ExportOptions& options) {
  const auto store = EKSHUME_TRY(casefile::OpenEvents(options.case_path));
  const std::string where = EKSHUME_TRY(casefile::Condition(*store, options.query));
  if (options.format == kParquet) {
    EKSHUME_TRY(ExportParquet(program, *store, where));
  } else {
    EKSHUME_TRY(ExportRows(program, *store, *event::ParseExportFormat(options.format), where));
  }
  // What leaves the case is in its ledger.
  const auto opened = EKSHUME_TRY(casefile::Case::Open(options.case_path));
  casefile::CustodyEntry entry;
  entry.action = "export";
  entry.arguments = options.command_line;
  return opened->Record(entry);
}

}  // namespace

void AddExportVerb(Program& program) {
  std::string names(kParquet);
  for (const std::string_view name : event::ExportFormatNames()) names += fmt::format(", {}", name);
  CLI::App* verb = program.app.add_subcommand("export", "the events of a case for other programs");
  verb->footer(
      "All events that fit go out; there is no limit. docs/export.md describes the formats.\n"
      "Examples:\n"
      "  ekshume export mycase --to timesketch --output mycase.jsonl\n"
      "  ekshume export mycase 'source:cloudtrail' --to csv --output cloudtrail.csv\n"
      "  ekshume export mycase --to parquet --output lake      source=.../day=.../*.parquet");
  const auto options = std::make_shared<ExportOptions>();
  verb->add_option("case", options->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  verb->add_option("query", options->query, "only events that fit it")->type_name("QUERY");
  verb->add_option("--to", options->format, names)
      ->required()
      ->type_name("FORMAT")
      ->check([names](const std::string& text) -> std::string {
        if (text == kParquet || event::ParseExportFormat(text)) return {};
        return fmt::format("{} is none of {}", text, names);
      });
  verb->add_option("--output", program.output_path, "the file, or for parquet the folder, to make")
      ->type_name("FILE");
  verb->callback([&program, options] {
    options->command_line = program.command_line;
    program.action = [&program, options] { return Export(program, *options); };
  });
}

}  // namespace ekshume::cli
