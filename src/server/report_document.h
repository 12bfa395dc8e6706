// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "casefile/report/document.h"
#include "server/case_service.h"

namespace ekshume::server {

// The report of the case as `ekshume report` makes it, with the analysts' notes and what they
// starred before the findings of the machine.
Result<casefile::report::Document> MakeReport(CaseService& service);

// A document as JSON, for a page that shows it: `title`, `blocks[]` with `kind`, `depth`, `text`,
// `items[]`, `titles[]`, `rows[][]`.
casefile::Json ToJson(const casefile::report::Document& document);

// Notes in the part of Markdown that reports have, appended as blocks: headings, lists, paragraphs.
// All else stays as it was written.
void AddNotes(std::string_view markdown, casefile::report::Document& document);

}  // namespace ekshume::server
