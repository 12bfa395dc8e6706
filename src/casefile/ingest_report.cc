// SPDX-License-Identifier: Apache-2.0
#include "casefile/ingest_report.h"

namespace ekshume::casefile {

Json ToJson(const event::Item& item) {
  return {{"name", item.name},       {"size", item.size},
          {"sha256", item.sha256},   {"formats", item.formats},
          {"records", item.records}, {"extra", item.extra},
          {"rows", item.rows},       {"duplicates", item.duplicates},
          {"folded", item.folded},   {"skipped", item.skipped},
          {"damaged", item.damaged}, {"unknown", item.unknown}};
}

Result<Json> EventsJson(const std::vector<IngestSummary>& summaries, event::Store& store) {
  Json events;
  events["items"] = Json::array();
  events["known"] = Json::array();
  for (const IngestSummary& summary : summaries) {
    for (const event::Item& item : summary.items) {
      // Folding came after: the store has the last word.
      events["items"].push_back(ToJson(store.FindItem(item.key).value_or(item)));
    }
    for (const std::string& name : summary.known) events["known"].push_back(name);
  }
  events["sources"] = Json::array();
  const auto rows = EKSHUME_TRY(
      store.Query("SELECT source, count(*), min(time), max(time) FROM events GROUP BY source ORDER "
                  "BY source"));
  uint64_t total = 0;
  while (EKSHUME_TRY(rows->Next())) {
    const int64_t count = rows->Integer(1);
    total += static_cast<uint64_t>(count);
    Json source = {{"source", std::string(rows->Text(0))}, {"rows", count}};
    source["first"] = rows->IsNull(2) ? Json() : Json(std::string(rows->Text(2)));
    source["last"] = rows->IsNull(3) ? Json() : Json(std::string(rows->Text(3)));
    events["sources"].push_back(std::move(source));
  }
  events["total"] = total;
  return events;
}

}  // namespace ekshume::casefile
