// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "casefile/search/event_search.h"
#include "event/query/query.h"
#include "event/store/ordered_events.h"
#include "server/limits.h"
#include "server/routes.h"

namespace ekshume::server {
namespace {

constexpr std::string_view kRowColumns =
    "time,source,user_name,user_arn,namespace,pod,container,action,outcome,message";
constexpr std::string_view kFacetColumns =
    "source,action,outcome,user_name,source_ip,namespace,pod,object_kind";
constexpr uint64_t kMostBars = 1000;

// "8-4-4-4-12" hexadecimal digits.
bool IsEventId(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}

Result<int64_t> TimeOf(const ApiRequest& request, std::string_view name) {
  const std::string text = request.Value(name);
  const std::optional<Timestamp> time = ParseTimestamp(text);
  const std::optional<int64_t> stored = event::StoredTime(time);
  if (!stored) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a time as RFC 3339 writes it", name));
  }
  return *stored;
}

std::string IsOneOf(const std::vector<std::string>& ids) {
  std::string list;
  for (const std::string& id : ids) {
    if (IsEventId(id)) list += (list.empty() ? "" : ", ") + event::SqlLiteral(id);
  }
  return list.empty() ? "false" : fmt::format("id IN ({})", list);
}

// The rows of a statement as objects.
Result<Json> RowsOf(event::Rows& rows) {
  Json json = Json::array();
  while (EKSHUME_TRY(rows.Next())) {
    Json row = Json::object();
    for (size_t i = 0; i < rows.columns().size(); ++i) {
      const event::Rows::Column& column = rows.columns()[i];
      if (rows.IsNull(i)) {
        row[column.name] = nullptr;
      } else if (column.type == event::ColumnType::kNumber) {
        row[column.name] = rows.Integer(i);
      } else {
        row[column.name] = rows.Text(i);
      }
    }
    json.push_back(std::move(row));
  }
  return json;
}

// "TIME,ID" or ",ID": the rows that come after that one.
Result<std::string> AfterCursor(const std::string& cursor, bool reverse) {
  const size_t comma = cursor.find(',');
  const std::string id = comma == std::string::npos ? "" : cursor.substr(comma + 1);
  if (!IsEventId(id)) return Fail(ErrorCode::kInvalidArgument, "`after` is no cursor of ours");
  const std::string text = cursor.substr(0, comma);
  if (text.empty()) return fmt::format("time IS NULL AND id > {}", event::SqlLiteral(id));
  const std::optional<int64_t> time = event::StoredTime(ParseTimestamp(text));
  if (!time) return Fail(ErrorCode::kInvalidArgument, "`after` is no cursor of ours");
  return fmt::format("(time {1} {0} OR time IS NULL OR (time = {0} AND id > {2}))", SqlTime(*time),
                     reverse ? "<" : ">", event::SqlLiteral(id));
}

Result<ApiReply> Events(CaseService& service, const ApiRequest& request) {
  const std::vector<std::string> columns = EKSHUME_TRY(ColumnsOf(request, kRowColumns));
  const uint64_t limit = EKSHUME_TRY(request.Number("limit", 200, limits::kMostRows));
  const uint64_t offset = EKSHUME_TRY(request.Number("offset", 0, UINT32_MAX));
  const bool reverse = request.Flag("reverse");
  const std::string after = request.Value("after");
  const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kRows));
  std::string where = EKSHUME_TRY(ConditionOf(request, *lease.store, service));
  uint64_t skip = 0;
  if (!after.empty()) {
    where = fmt::format("({}) AND {}", where, EKSHUME_TRY(AfterCursor(after, reverse)));
  } else if (offset > 0) {
    const auto index = EKSHUME_TRY(service.indexes().Of(*lease.store, where));
    if (offset >= index->total) {
      return ApiReply::Of({{"rows", Json::array()}, {"next", nullptr}});
    }
    const EventIndex::Place place = index->PlaceOf(offset, reverse);
    if (!place.where.empty()) where = fmt::format("({}) AND {}", where, place.where);
    skip = place.skip;
  }
  std::string list = "id";
  for (const std::string& column : columns) {
    if (column != "id") list += ", " + column;
  }
  if (limit == 0) return ApiReply::Of({{"rows", Json::array()}, {"next", nullptr}});
  const auto rows =
      EKSHUME_TRY(lease.store->Query(event::OrderedEventsSql(list, where, reverse, limit + skip)));
  for (uint64_t i = 0; i < skip; ++i) {
    if (!EKSHUME_TRY(rows->Next())) break;
  }
  Json json = EKSHUME_TRY(RowsOf(*rows));
  Json next = nullptr;
  const bool has_time = std::ranges::find(columns, "time") != columns.end();
  if (json.size() == limit && has_time) {
    const Json& last = json.back();
    next = fmt::format("{},{}", last["time"].is_null() ? "" : last["time"].get<std::string>(),
                       last["id"].get<std::string>());
  }
  return ApiReply::Of({{"rows", json}, {"next", next}});
}

// The time a bar of the histogram begins, and how many rows it stands for.
Result<ApiReply> Histogram(CaseService& service, const ApiRequest& request) {
  const uint64_t most = EKSHUME_TRY(request.Number("bars", 200, kMostBars));
  const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kRows));
  const std::string where = EKSHUME_TRY(ConditionOf(request, *lease.store, service));
  const auto index = EKSHUME_TRY(service.indexes().Of(*lease.store, where));
  const EventIndex::Histogram histogram = index->Bars(std::max<uint64_t>(most, 1));
  Json json = {
      {"total", index->total}, {"without_time", index->without_time}, {"first", nullptr},
      {"last", nullptr},       {"width_ns", histogram.width},         {"bars", histogram.rows}};
  if (!index->stretches.empty()) {
    json["first"] = FormatTimestamp(TimestampFromNanoseconds(index->first));
    json["last"] = FormatTimestamp(TimestampFromNanoseconds(index->last));
  }
  return ApiReply::Of(json);
}

Result<ApiReply> Facets(CaseService& service, const ApiRequest& request) {
  const std::vector<std::string> columns = EKSHUME_TRY(ColumnsOf(request, kFacetColumns));
  const uint64_t size = EKSHUME_TRY(request.Number("size", 10, limits::kMostFacetValues));
  if (columns.size() > limits::kMostFacetColumns) {
    return Fail(ErrorCode::kInvalidArgument, "too many columns at once");
  }
  const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kCounts));
  const std::string where = EKSHUME_TRY(ConditionOf(request, *lease.store, service));
  const auto rows =
      EKSHUME_TRY(lease.store->Query(casefile::FacetSql(columns, "(" + where + ")", size)));
  Json facets = Json::object();
  for (const std::string& column : columns) facets[column] = Json::array();
  while (EKSHUME_TRY(rows->Next())) {
    facets[std::string(rows->Text(0))].push_back(
        {{"value", rows->IsNull(1) ? Json(nullptr) : Json(rows->Text(1))},
         {"count", rows->Integer(2)}});
  }
  return ApiReply::Of({{"facets", facets}});
}

Result<std::string> IdOf(const ApiRequest& request) {
  std::string id = request.Value("id");
  if (!IsEventId(id)) return Fail(ErrorCode::kInvalidArgument, "an event's id is a UUID");
  return id;
}

Result<ApiReply> Event(CaseService& service, const ApiRequest& request) {
  const std::string id = EKSHUME_TRY(IdOf(request));
  const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kRows));
  const auto rows = EKSHUME_TRY(
      lease.store->Query(event::OrderedEventsSql("*", "id = " + event::SqlLiteral(id))));
  const Json json = EKSHUME_TRY(RowsOf(*rows));
  if (json.empty()) return Fail(ErrorCode::kNotFound, "no event " + id + " in this case");
  return ApiReply::Of(json[0]);
}

// The number that an event has among those of the selection.
Result<ApiReply> Position(CaseService& service, const ApiRequest& request) {
  const std::string literal = event::SqlLiteral(EKSHUME_TRY(IdOf(request)));
  const bool reverse = request.Flag("reverse");
  const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kRows));
  const std::string where = EKSHUME_TRY(ConditionOf(request, *lease.store, service));
  const auto rows = EKSHUME_TRY(lease.store->Query(fmt::format(
      "WITH it AS (SELECT time AS its_time, id AS its_id FROM events WHERE id = {0} AND ({1})) "
      "SELECT (SELECT count(*) FROM it), (SELECT count(*) FROM events, it WHERE ({1}) AND CASE "
      "WHEN "
      "its_time IS NULL THEN time IS NOT NULL OR id < its_id ELSE time {2} its_time OR (time = "
      "its_time AND id < its_id) END)",
      literal, where, reverse ? ">" : "<")));
  Json position = nullptr;
  while (EKSHUME_TRY(rows->Next())) {
    if (rows->Integer(0) > 0) position = rows->Integer(1);
  }
  return ApiReply::Of({{"position", position}});
}

Json ColumnList() {
  constexpr std::string_view kTypes[] = {"text", "number", "time"};
  Json columns = Json::array();
  for (const event::Column& column : event::Columns()) {
    columns.push_back({{"name", column.name}, {"type", kTypes[static_cast<size_t>(column.type)]}});
  }
  return columns;
}

}  // namespace

Result<std::string> ConditionOf(const ApiRequest& request, event::Store& store,
                                CaseService& service) {
  std::string where = "(" + EKSHUME_TRY(casefile::Condition(store, request.Value("query"))) + ")";
  if (!request.Value("from").empty()) {
    where += fmt::format(" AND time >= {}", SqlTime(EKSHUME_TRY(TimeOf(request, "from"))));
  }
  if (!request.Value("to").empty()) {
    where += fmt::format(" AND time < {}", SqlTime(EKSHUME_TRY(TimeOf(request, "to"))));
  }
  const std::string mark = request.Value("mark");
  if (mark == "starred") {
    where += " AND " + IsOneOf(service.annotations().StarredEvents());
  } else if (mark == "any") {
    where += " AND " + IsOneOf(service.annotations().MarkedEvents());
  } else if (mark.starts_with("tag:")) {
    where += " AND " + IsOneOf(service.annotations().TaggedEvents(mark.substr(4)));
  } else if (!mark.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "mark is starred, any or tag:NAME");
  }
  return where;
}

std::vector<Parameter> SelectionParameters(std::vector<Parameter> more) {
  std::vector<Parameter> parameters = {{"query", kQueryAbout},
                                       {"from", "only events of this time (RFC 3339) and later"},
                                       {"to", "only events before this time"},
                                       {"mark", "only events with a mark: starred, any, tag:NAME"}};
  parameters.insert(parameters.end(), more.begin(), more.end());
  return parameters;
}

Result<std::vector<std::string>> ColumnsOf(const ApiRequest& request, std::string_view otherwise) {
  const std::string given = request.Value("columns");
  std::vector<std::string> columns;
  for (const std::string_view name : SplitNonEmpty(given.empty() ? otherwise : given, ',')) {
    columns.emplace_back(name);
  }
  return casefile::CheckedColumns(columns);
}

void AddEventRoutes(Router& router, CaseService& service) {
  router.Add({"GET", "/columns", "The columns of an event.", {}, "", [](const ApiRequest&) {
                return ApiReply::Of({{"columns", ColumnList()}});
              }});
  router.Add({"GET", "/events", "Events in order of time.",
              SelectionParameters({{"columns", "names between commas; id is always there"},
                                   {"limit", "at most so many rows (200; 1000 at most)"},
                                   {"offset", "leave out so many rows before"},
                                   {"after", "instead of offset: `next` of the answer before"},
                                   {"reverse", "1: newest first"}}),
              "", [&](const ApiRequest& request) { return Events(service, request); }});
  router.Add({"GET", "/events/histogram", "How many events there are, and how they lie in time.",
              SelectionParameters({{"bars", "at most so many bars (200)"}}), "",
              [&](const ApiRequest& request) { return Histogram(service, request); }});
  router.Add({"GET", "/events/facets", "The most frequent values of some columns.",
              SelectionParameters({{"columns", "names between commas"},
                                   {"size", "values of each (10; 200 at most)"}}),
              "", [&](const ApiRequest& request) { return Facets(service, request); }});
  router.Add({"GET",
              "/events/{id}",
              "One event with all its columns and the record as found.",
              {},
              "",
              [&](const ApiRequest& request) { return Event(service, request); }});
  router.Add({"GET", "/events/{id}/position", "Which number an event has among a selection.",
              SelectionParameters({{"reverse", "1: counted from the newest"}}), "",
              [&](const ApiRequest& request) { return Position(service, request); }});
}

}  // namespace ekshume::server
