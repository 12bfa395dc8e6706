// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "casefile/search/event_search.h"
#include "server/event_index.h"
#include "server/selection.h"

namespace ekshume::server {
namespace {

class Asked final : public Selection {
 public:
  explicit Asked(std::string where) : where_(std::move(where)) {}

  Result<Histogram> Bars(event::Store& store, uint64_t most) override {
    return EKSHUME_TRY(Index(store))->Bars(most);
  }

  Result<std::optional<Page>> PageOf(event::Store& store, uint64_t offset, uint64_t /*limit*/,
                                     bool reverse) override {
    if (offset == 0) return Page{where_, 0};
    const EventIndex* index = EKSHUME_TRY(Index(store));
    if (offset >= index->total) return std::nullopt;
    const EventIndex::Place place = index->PlaceOf(offset, reverse);
    return Page{place.where.empty() ? where_ : fmt::format("({}) AND {}", where_, place.where),
                place.skip};
  }

  Result<std::vector<Facet>> Facets(event::Store& store, const std::vector<std::string>& columns,
                                    uint64_t size) override {
    return AskFacets(store, where_, columns, size);
  }

  Result<std::optional<uint64_t>> NumberOf(event::Store& store, const std::string& id,
                                           bool reverse) override {
    const auto rows = EKSHUME_TRY(store.Query(fmt::format(
        "WITH it AS (SELECT time AS its_time, id AS its_id FROM events WHERE id = {0} AND ({1})) "
        "SELECT (SELECT count(*) FROM it), (SELECT count(*) FROM events, it WHERE ({1}) AND CASE "
        "WHEN its_time IS NULL THEN time IS NOT NULL OR id < its_id ELSE time {2} its_time OR "
        "(time = its_time AND id < its_id) END)",
        event::SqlLiteral(id), where_, reverse ? ">" : "<")));
    std::optional<uint64_t> number;
    while (EKSHUME_TRY(rows->Next())) {
      if (rows->Integer(0) > 0) number = static_cast<uint64_t>(rows->Integer(1));
    }
    return number;
  }

 private:
  Result<const EventIndex*> Index(event::Store& store) {
    const std::lock_guard lock(mutex_);
    if (!index_) index_ = EKSHUME_TRY(ReadEventIndex(store, where_));
    return &*index_;
  }

  const std::string where_;
  std::mutex mutex_;
  std::optional<EventIndex> index_;
};

}  // namespace

std::shared_ptr<Selection> AskedSelection(std::string where) {
  return std::make_shared<Asked>(std::move(where));
}

Result<std::vector<Facet>> AskFacets(event::Store& store, const std::string& where,
                                     const std::vector<std::string>& columns, uint64_t size) {
  std::vector<Facet> facets;
  for (const std::string& column : columns) facets.push_back({column, {}});
  const auto rows = EKSHUME_TRY(store.Query(casefile::FacetSql(columns, "(" + where + ")", size)));
  while (EKSHUME_TRY(rows->Next())) {
    const auto facet = std::ranges::find(facets, rows->Text(0), &Facet::column);
    if (facet == facets.end()) continue;
    Facet::Value value{std::nullopt, static_cast<uint64_t>(rows->Integer(2))};
    if (!rows->IsNull(1)) value.text = rows->Text(1);
    facet->values.push_back(std::move(value));
  }
  return facets;
}

}  // namespace ekshume::server
