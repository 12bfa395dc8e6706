// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "casefile/case.h"
#include "casefile/report/contents.h"
#include "cli/program.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

struct ReportOptions {
  std::string case_path;
  std::string form = "html";
  std::vector<std::string> command_line;
};

// The report with the custody record, as data.
std::string AsJson(Json report, const std::vector<std::string>& custody) {
  report["custody"] = Json::array();
  for (const std::string& record : custody) {
    Json json = Json::parse(record, nullptr, false);
    if (!json.is_discarded()) report["custody"].push_back(std::move(json));
  }
  return casefile::Dump(report, 2) + "\n";
}

Result<std::string> Make(const ReportOptions& options, const Json& report,
                         const std::vector<std::string>& custody, const std::string& name) {
  if (options.form == "json") return AsJson(report, custody);
  const casefile::report::Document document = casefile::report::MakeDocument(report, custody, name);
  if (options.form == "html") return ToHtml(document);
  if (options.form == "md") return ToMarkdown(document);
  std::string pdf = ToPdf(document);
  if (pdf.empty()) return Fail(ErrorCode::kIo, "the PDF could not be made");
  return pdf;
}

Result<void> Print(Program& program, const ReportOptions& options) {
  const bool to_terminal = program.output_path.empty() && isatty(STDOUT_FILENO) == 1;
  if (options.form == "pdf" && program.output_path.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "a PDF is no text: give --output FILE");
  }
  if (options.form == "html" && to_terminal) {
    return Fail(ErrorCode::kInvalidArgument, "give --output FILE, or send the page to a program");
  }
  const auto opened = EKSHUME_TRY(casefile::Case::Open(options.case_path));
  const Json report = Json::parse(EKSHUME_TRY(opened->Report()), nullptr, false);
  if (!report.is_object()) {
    return Fail(ErrorCode::kCorrupt, "report.json of the case is no report of ekshume");
  }
  const std::vector<std::string> custody = EKSHUME_TRY(opened->CustodyRecords());
  const std::string text = EKSHUME_TRY(Make(options, report, custody, opened->directory()));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  output->Write(text);
  EKSHUME_TRY(output->Finish());
  casefile::CustodyEntry entry;
  entry.action = "report";
  entry.arguments = options.command_line;
  return opened->Record(entry);
}

}  // namespace

void AddReportVerb(Program& program) {
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* verb = program.app.add_subcommand(
      "report", "a case's verdict, incidents, findings and custody record as one file");
  verb->footer(
      "Nothing is read anew: `investigate` left report.json and custody.jsonl in the case.\n"
      "The page holds no script and loads nothing; it prints well (docs/report.md).\n"
      "Examples:\n"
      "  ekshume report mycase --to html --output report.html\n"
      "  ekshume report mycase --to pdf --output report.pdf\n"
      "  ekshume report mycase --to md | less");
  verb->add_option("case", options->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  verb->add_option("--to", options->form, "html (default), md, json or pdf")
      ->check(CLI::IsMember({"html", "md", "json", "pdf"}))
      ->type_name("FORM");
  verb->add_option("--output", program.output_path, "the file to make; pdf needs one")
      ->type_name("FILE");
  verb->callback([&program, options] {
    options->command_line = program.command_line;
    program.action = [&program, options] { return Print(program, *options); };
  });
}

}  // namespace ekshume::cli
