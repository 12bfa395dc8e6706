// SPDX-License-Identifier: Apache-2.0
#include "server/report_document.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "casefile/report/contents.h"
#include "event/store/store.h"

namespace ekshume::server {

using casefile::Json;
using casefile::report::Block;
using casefile::report::Document;
using casefile::report::Table;

namespace {

std::string_view Trimmed(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return line;
}

std::string CommentsOf(const Json& state) {
  std::string text;
  for (const Json& tag : state["tags"])
    text += (text.empty() ? "#" : " #") + tag.get<std::string>();
  for (const Json& comment : state["comments"]) {
    text += (text.empty() ? "" : "; ") + comment["analyst"].get<std::string>() + ": " +
            comment["text"].get<std::string>();
  }
  return text;
}

// What carries a star, in order of time; files last.
Result<void> AddStarred(CaseService& service, Document& document) {
  const Json state = service.annotations().State();
  Table table;
  table.titles = {"Time", "What", "Where it was found", "Notes"};
  table.widths = {0.18, 0.42, 0.2, 0.2};
  const auto add = [&](std::string time, std::string what, std::string where, const Json& marks) {
    table.rows.push_back({"",
                          {{std::move(time), {}},
                           {std::move(what), {}},
                           {std::move(where), {}},
                           {CommentsOf(marks), {}}}});
  };
  std::string ids;
  for (const std::string& id : service.annotations().StarredEvents()) {
    ids += (ids.empty() ? "" : ", ") + event::SqlLiteral(id);
  }
  if (!ids.empty()) {
    const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kRows));
    const auto rows = EKSHUME_TRY(lease.store->Query(
        "SELECT CAST(id AS VARCHAR) AS id, time, message, evidence, locator FROM events WHERE "
        "CAST(id AS VARCHAR) IN (" +
        ids + ") ORDER BY time NULLS LAST, id"));
    while (EKSHUME_TRY(rows->Next())) {
      add(std::string(rows->Text(1)), std::string(rows->Text(2)),
          std::string(rows->Text(3)) + " " + std::string(rows->Text(4)),
          state["targets"]["event:" + std::string(rows->Text(0))]);
    }
  }
  for (const auto& [target, marks] : state["targets"].items()) {
    constexpr std::string_view kFile = "file:";
    if (!target.starts_with(kFile) || marks["star"] != true) continue;
    add("", "File " + target.substr(kFile.size()), "", marks);
  }
  if (table.rows.empty()) return {};
  document.Heading(2, "Starred by the analysts");
  document.Add(std::move(table));
  return {};
}

std::string_view KindName(Block::Kind kind) {
  switch (kind) {
    case Block::Kind::kHeading: return "heading";
    case Block::Kind::kParagraph: return "paragraph";
    case Block::Kind::kEmphasis: return "emphasis";
    case Block::Kind::kList: return "list";
    case Block::Kind::kSteps: return "steps";
    case Block::Kind::kTable: return "table";
    case Block::Kind::kDrawing: return "drawing";
  }
  return "paragraph";
}

}  // namespace

void AddNotes(std::string_view markdown, Document& document) {
  std::string paragraph;
  std::vector<std::string> items;
  const auto flush = [&] {
    if (!paragraph.empty()) document.Paragraph(std::move(paragraph));
    document.List(std::move(items));
    paragraph.clear();
    items.clear();
  };
  for (size_t at = 0; at <= markdown.size();) {
    const size_t end = std::min(markdown.find('\n', at), markdown.size());
    const std::string_view line = Trimmed(markdown.substr(at, end - at));
    at = end + 1;
    const size_t hashes = std::min(line.find_first_not_of('#'), line.size());
    if (line.empty()) {
      flush();
    } else if (hashes >= 1 && hashes <= 4 && line.size() > hashes && line[hashes] == ' ') {
      flush();
      // The report's own headings are the first two levels.
      document.Heading(static_cast<int>(std::min<size_t>(hashes + 2, 4)),
                       std::string(Trimmed(line.substr(hashes))));
    } else if (line.starts_with("- ") || line.starts_with("* ")) {
      if (!paragraph.empty()) flush();
      items.emplace_back(Trimmed(line.substr(2)));
    } else {
      if (!items.empty()) flush();
      paragraph += (paragraph.empty() ? "" : " ") + std::string(line);
    }
  }
  flush();
}

Result<Document> MakeReport(CaseService& service) {
  const auto report = service.report();
  if (report->empty()) {
    return Fail(ErrorCode::kNotFound, "the case has no report yet: `ekshume investigate` makes it");
  }
  const std::vector<std::string> custody = EKSHUME_TRY(service.opened().CustodyRecords());
  Document document =
      casefile::report::MakeDocument(*report, custody, service.opened().directory());
  Document own;
  const Json state = service.annotations().State();
  if (const std::string notes = state["notes"].get<std::string>(); !notes.empty()) {
    own.Heading(2, "Notes of the analysts");
    AddNotes(notes, own);
  }
  EKSHUME_TRY(AddStarred(service, own));
  // Before the second heading of the machine's report: behind its verdict.
  size_t headings = 0;
  const auto place = std::ranges::find_if(document.blocks, [&](const Block& block) {
    return block.kind == Block::Kind::kHeading && block.depth <= 2 && ++headings == 2;
  });
  document.blocks.insert(place, std::make_move_iterator(own.blocks.begin()),
                         std::make_move_iterator(own.blocks.end()));
  return document;
}

Json ToJson(const Document& document) {
  Json blocks = Json::array();
  for (const Block& block : document.blocks) {
    if (block.kind == Block::Kind::kDrawing) continue;  // the page has a graph of its own
    Json json = {{"kind", KindName(block.kind)}, {"depth", block.depth}, {"text", block.text.text}};
    json["items"] = block.items;
    json["titles"] = block.table.titles;
    json["rows"] = Json::array();
    for (const casefile::report::Row& row : block.table.rows) {
      Json cells = Json::array();
      for (const casefile::report::Cell& cell : row.cells) cells.push_back(cell.text);
      json["rows"].push_back(std::move(cells));
    }
    blocks.push_back(std::move(json));
  }
  return {{"title", document.title}, {"blocks", blocks}};
}

}  // namespace ekshume::server
