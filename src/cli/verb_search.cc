// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "casefile/search/event_search.h"
#include "cli/event_rows.h"
#include "cli/program.h"
#include "event/store/store.h"

namespace ekshume::cli {
namespace {

struct SearchOptions {
  std::string case_path;
  std::string query;
  std::string statement;
  std::vector<std::string> facets;
  std::string histogram;
  uint64_t facet_size = 20;
  uint64_t limit = 0;
  bool reverse = false;
  std::vector<std::string> columns;
};

// The width of a histogram's buckets as an SQL interval: 10s, 5m, 1h, 1d.
Result<std::string> Interval(const std::string& text) {
  constexpr std::pair<char, const char*> kUnits[] = {
      {'s', "seconds"}, {'m', "minutes"}, {'h', "hours"}, {'d', "days"}};
  for (const auto& [letter, unit] : kUnits) {
    if (text.size() < 2 || text.size() > 8 || text.back() != letter) continue;
    const std::string number = text.substr(0, text.size() - 1);
    if (std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; }) &&
        number.find_first_not_of('0') != std::string::npos) {
      return fmt::format("INTERVAL '{} {}'", number, unit);
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no width of time: 30s, 5m, 1h or 1d, say", text));
}

Result<void> Search(Program& program, const SearchOptions& options) {
  const auto store = EKSHUME_TRY(casefile::OpenEvents(options.case_path));
  const std::string where = EKSHUME_TRY(casefile::Condition(*store, options.query));
  std::string sql;
  if (!options.facets.empty()) {
    const std::vector<std::string> fields = EKSHUME_TRY(casefile::CheckedColumns(options.facets));
    sql = casefile::FacetSql(fields, where, options.facet_size);
  } else if (!options.histogram.empty()) {
    const std::string interval = EKSHUME_TRY(Interval(options.histogram));
    sql = fmt::format(
        "SELECT time_bucket({}, CAST(time AS TIMESTAMP)) AS time, count(*) AS count FROM events "
        "WHERE {} GROUP BY ALL ORDER BY 1",
        interval, where);
  } else {
    std::vector<std::string> columns = EKSHUME_TRY(casefile::CheckedColumns(options.columns));
    sql = EventSql(program.format, columns, where, options.reverse, options.limit);
  }
  return PrintRows(program, *EKSHUME_TRY(store->Query(sql)));
}

Result<void> Sql(Program& program, const SearchOptions& options) {
  const auto store = EKSHUME_TRY(casefile::OpenEvents(options.case_path));
  return PrintRows(program, *EKSHUME_TRY(store->Query(options.statement)));
}

void AddRowOptions(CLI::App& verb, SearchOptions& options) {
  verb.add_option("--columns", options.columns, "only these columns, in this order")
      ->delimiter(',')
      ->type_name("NAME,...");
  verb.add_option("--limit", options.limit, "at most so many rows (default: all)");
  verb.add_flag("--reverse", options.reverse, "newest first");
  verb.add_option("--facets", options.facets,
                  "instead of rows: how often each value of these columns")
      ->delimiter(',')
      ->type_name("NAME,...");
  verb.add_option("--facet-size", options.facet_size, "values for each of --facets (default: 20)")
      ->check(CLI::PositiveNumber);
  verb.add_option("--histogram", options.histogram,
                  "instead of rows: how many in each stretch of time (30s, 5m, 1h, 1d)")
      ->type_name("WIDTH");
}

}  // namespace

void AddSearchVerbs(Program& program) {
  const auto options = std::make_shared<SearchOptions>();
  CLI::App* search = program.app.add_subcommand("search", "events of a case that fit a query");
  search->footer(
      "The language is that of Timesketch and Kibana (docs/search.md): words, \"phrases\",\n"
      "field:value, wildcards, ranges, AND OR NOT ( ), _exists_:field. Fields: docs/events.md.\n"
      "Examples:\n"
      "  ekshume search mycase 'verb:create AND object_kind:pods/exec'\n"
      "  ekshume search mycase 'actor:\"arn:aws:iam::123456789012:user/ci-deployer\"'\n"
      "  ekshume search mycase 'namespace:shop AND time:[2026-11-24 TO 2026-11-25]' --format "
      "jsonl\n"
      "  ekshume search mycase 'outcome:failure' --facets user_name,source_ip\n"
      "  ekshume search mycase '*' --histogram 1h");
  search->add_option("case", options->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  search->add_option("query", options->query, "what to search for")->required()->type_name("QUERY");
  AddRowOptions(*search, *options);
  program.AddOutputOptions(*search);
  search->callback([&program, options] {
    program.action = [&program, options] { return Search(program, *options); };
  });

  const auto all = std::make_shared<SearchOptions>();
  CLI::App* timeline =
      program.app.add_subcommand("timeline", "all events of a case in order of time");
  timeline->footer(
      "Examples:\n"
      "  ekshume timeline mycase\n"
      "  ekshume timeline mycase 'pod:web-*' --columns time,user_name,message\n"
      "  ekshume timeline mycase --format jsonl > events.jsonl");
  timeline->add_option("case", all->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  timeline->add_option("query", all->query, "only events that fit it")->type_name("QUERY");
  AddRowOptions(*timeline, *all);
  program.AddOutputOptions(*timeline);
  timeline->callback(
      [&program, all] { program.action = [&program, all] { return Search(program, *all); }; });

  const auto statement = std::make_shared<SearchOptions>();
  CLI::App* sql = program.app.add_subcommand("sql", "a statement of SQL over the table `events`");
  sql->footer(
      "The dialect is DuckDB's. Only statements that read are run, and only on the case: no "
      "files.\n"
      "Examples:\n"
      "  ekshume sql mycase 'SELECT source, count(*) FROM events GROUP BY ALL'\n"
      "  ekshume sql mycase \"SELECT time, message FROM events WHERE pod = 'web-1' ORDER BY "
      "time\"");
  sql->add_option("case", statement->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  sql->add_option("statement", statement->statement, "one statement")
      ->required()
      ->type_name("STATEMENT");
  program.AddOutputOptions(*sql);
  sql->callback([&program, statement] {
    program.action = [&program, statement] { return Sql(program, *statement); };
  });
}

}  // namespace ekshume::cli
