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
  return fmt::format("(time {1} {0} OR time IS NULL OR (time = {0} AND id > {2}))",
                     event::SqlTime(*time), reverse ? "<" : ">", event::SqlLiteral(id));
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
  } else {
    const auto selection = EKSHUME_TRY(service.selections().Of(*lease.store, where));
    const auto page = EKSHUME_TRY(selection->PageOf(*lease.store, offset, limit, reverse));
    if (!page) return ApiReply::Of({{"rows", Json::array()}, {"next", nullptr}});
    where = page->where;
    skip = page->skip;
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
Result<ApiReply> InTime(CaseService& service, const ApiRequest& request) {
  const uint64_t most = EKSHUME_TRY(request.Number("bars", 200, kMostBars));
  const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kRows));
  const std::string where = EKSHUME_TRY(ConditionOf(request, *lease.store, service));
  const auto selection = EKSHUME_TRY(service.selections().Of(*lease.store, where));
  const Histogram histogram =
      EKSHUME_TRY(selection->Bars(*lease.store, std::max<uint64_t>(most, 1)));
  Json json = {{"in_memory", service.selections().coded() != nullptr},
               {"total", histogram.total},
               {"without_time", histogram.without_time},
               {"first", nullptr},
               {"last", nullptr},
               {"width_ns", histogram.width},
               {"bars", histogram.bars}};
  if (histogram.extent) {
    json["first"] = FormatTimestamp(TimestampFromNanoseconds(histogram.extent->first));
    json["last"] = FormatTimestamp(TimestampFromNanoseconds(histogram.extent->second));
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
  const auto selection = EKSHUME_TRY(service.selections().Of(*lease.store, where));
  Json facets = Json::object();
  for (const Facet& facet : EKSHUME_TRY(selection->Facets(*lease.store, columns, size))) {
    Json& values = facets[facet.column] = Json::array();
    for (const Facet::Value& value : facet.values) {
      values.push_back(
          {{"value", value.text ? Json(*value.text) : Json(nullptr)}, {"count", value.count}});
    }
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
  const std::string id = EKSHUME_TRY(IdOf(request));
  const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kRows));
  const std::string where = EKSHUME_TRY(ConditionOf(request, *lease.store, service));
  const auto selection = EKSHUME_TRY(service.selections().Of(*lease.store, where));
  const std::optional<uint64_t> position =
      EKSHUME_TRY(selection->NumberOf(*lease.store, id, request.Flag("reverse")));
  return ApiReply::Of({{"position", position ? Json(*position) : Json(nullptr)}});
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
  event::ValuesContaining containing;
  if (const auto coded = service.selections().coded()) {
    containing = [coded](std::string_view column, std::string_view small) {
      return coded->Containing(column, small, limits::kMostListedValues);
    };
  }
  std::string where =
      "(" + EKSHUME_TRY(casefile::Condition(store, request.Value("query"), std::move(containing))) +
      ")";
  if (!request.Value("from").empty()) {
    where += fmt::format(" AND time >= {}", event::SqlTime(EKSHUME_TRY(TimeOf(request, "from"))));
  }
  if (!request.Value("to").empty()) {
    where += fmt::format(" AND time < {}", event::SqlTime(EKSHUME_TRY(TimeOf(request, "to"))));
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
              [&](const ApiRequest& request) { return InTime(service, request); }});
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
