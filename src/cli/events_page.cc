// SPDX-License-Identifier: Apache-2.0
#include "cli/events_page.h"

#include <fmt/format.h>

#include "base/short_time.h"
#include "base/text.h"
#include "cli/objects.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

constexpr size_t kMaxItems = 40;  // report.json and `case show` have the rest

std::string ItemLine(const Json& item) {
  std::string line =
      fmt::format("  {}: {} records", EscapeForTerminal(item["name"].get<std::string>()),
                  item["records"].get<uint64_t>());
  if (const uint64_t extra = item["extra"].get<uint64_t>(); extra > 0) {
    line += fmt::format(" + {} more events in them", extra);
  }
  line += fmt::format(" = {} rows", item["rows"].get<uint64_t>());
  const std::pair<const char*, const char*> parts[] = {
      {"duplicates", "duplicates"}, {"folded", "folded"},   {"skipped", "skipped"},
      {"damaged", "damaged"},       {"unknown", "unknown"},
  };
  for (const auto& [key, what] : parts) {
    if (const uint64_t count = item[key].get<uint64_t>(); count > 0) {
      line += fmt::format(" + {} {}", count, what);
    }
  }
  if (const std::string formats = item["formats"].get<std::string>(); !formats.empty()) {
    line += fmt::format("  ({})", EscapeForTerminal(formats));
  }
  return line + "\n";
}

}  // namespace

std::string EventsPage(const Json& report, const std::string& case_name) {
  const Json& events = report["events"];
  std::string page = "\nEVENTS\n";
  size_t shown = 0;
  for (const Json& item : events["items"]) {
    if (++shown <= kMaxItems) page += ItemLine(item);
  }
  if (shown > kMaxItems) {
    page += fmt::format("  ... and {} more items: ekshume case show {}\n", shown - kMaxItems,
                        case_name);
  }
  if (const size_t known = events["known"].size(); known > 0) {
    page += fmt::format("  {} item{} the case had already\n", known, known == 1 ? "" : "s");
  }
  page += fmt::format("  In the case: {} events\n", events["total"].get<uint64_t>());
  for (const Json& source : events["sources"]) {
    const std::string name = Member(source, "source");
    page +=
        fmt::format("    {:<18} {:>9}", EscapeForTerminal(name), source["rows"].get<uint64_t>());
    if (!source["first"].is_null()) {
      page += fmt::format("  {} to {}", ShortTime(Member(source, "first")),
                          ShortTime(Member(source, "last")));
    }
    page += "\n";
  }
  page += fmt::format(
      "  Look at them: ekshume timeline {0}; ekshume search {0} 'exec OR secrets'\n", case_name);
  return page;
}

}  // namespace ekshume::cli
