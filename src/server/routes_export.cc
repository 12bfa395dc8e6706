// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "casefile/atomic_file.h"
#include "event/export/row_writer.h"
#include "event/store/ordered_events.h"
#include "image/temporary_file.h"
#include "server/limits.h"
#include "server/routes.h"
#include "server/temporary_source.h"

namespace ekshume::server {
namespace {

constexpr size_t kBytesTogether = size_t{1} << 16;
constexpr std::string_view kAllColumns =
    "id,time,time_kind,source,cluster,node,namespace,pod,container,user_name,user_arn,source_ip,"
    "action,object_kind,object_name,outcome,path,message,evidence,locator";

// The rows go to a temporary file first: nobody else could search while a slow client takes them.
Result<ApiReply> Export(CaseService& service, const ApiRequest& request) {
  const std::string name = request.Value("format").empty() ? "csv" : request.Value("format");
  const auto format = event::ParseExportFormat(name);
  if (!format) return Fail(ErrorCode::kInvalidArgument, "there is no format " + name);
  const std::vector<std::string> names = EKSHUME_TRY(ColumnsOf(request, kAllColumns));
  std::string list;
  for (const std::string& column : names) list += (list.empty() ? "" : ", ") + column;
  image::FileDescriptor file = EKSHUME_TRY(image::OpenTemporaryFile());
  uint64_t size = 0;
  uint64_t count = 0;
  {
    const auto lease = EKSHUME_TRY(service.Events(CaseService::Use::kCounts));
    const std::string where = EKSHUME_TRY(ConditionOf(request, *lease.store, service));
    const auto rows = EKSHUME_TRY(
        lease.store->Query(event::OrderedEventsSql(list, where, request.Flag("reverse"))));
    std::vector<event::ExportColumn> columns;
    for (const event::Rows::Column& column : rows->columns()) {
      columns.push_back({column.name, column.type});
    }
    const auto writer = event::MakeRowWriter(*format, columns);
    std::string text;
    writer->AppendHeader(text);
    const auto flush = [&]() -> Result<void> {
      size += text.size();
      if (size > limits::kMostExportBytes) {
        return Fail(ErrorCode::kLimit, "more than 8 GiB: use `ekshume export`");
      }
      EKSHUME_TRY(casefile::WriteAll(file.number(), ByteView::Of(text), "the temporary file"));
      text.clear();
      return {};
    };
    std::vector<std::optional<std::string_view>> values(columns.size());
    while (EKSHUME_TRY(rows->Next())) {
      for (size_t i = 0; i < columns.size(); ++i) {
        values[i] = rows->IsNull(i) ? std::nullopt : std::optional(rows->Text(i));
      }
      writer->AppendRow(values, text);
      ++count;
      if (text.size() >= kBytesTogether) EKSHUME_TRY(flush());
    }
    EKSHUME_TRY(flush());
  }
  EKSHUME_TRY(service.Record("export", request.analyst,
                             {{"format", name},
                              {"query", request.Value("query")},
                              {"from", request.Value("from")},
                              {"to", request.Value("to")},
                              {"mark", request.Value("mark")},
                              {"columns", names},
                              {"rows", count}}));
  const bool is_csv = name.ends_with("csv");
  const bool is_cef = name == "cef";
  return ApiReply::File(fmt::format("events.{}", is_csv   ? "csv"
                                                 : is_cef ? "cef"
                                                          : "jsonl"),
                        std::make_unique<TemporarySource>(std::move(file), size));
}

}  // namespace

void AddExportRoute(Router& router, CaseService& service) {
  router.Add({"GET", "/events/export", "A selection of events as a file.",
              SelectionParameters({{"columns", "names between commas"},
                                   {"reverse", "1: newest first"},
                                   {"format", "csv, jsonl, cef, timesketch, timesketch-csv"}}),
              "", [&](const ApiRequest& request) { return Export(service, request); }});
}

}  // namespace ekshume::server
