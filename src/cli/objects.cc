// SPDX-License-Identifier: Apache-2.0
#include "cli/objects.h"

#include <fmt/format.h>

#include "base/text.h"

namespace ekshume::cli {

using casefile::Json;

std::string Member(const Json& object, std::string_view path) {
  const Json* current = &object;
  for (const std::string_view key : SplitNonEmpty(path, '.')) {
    if (!current->is_object()) return {};
    const auto found = current->find(std::string(key));
    if (found == current->end()) return {};
    current = &*found;
  }
  if (current->is_null()) return {};
  if (current->is_string()) return current->get<std::string>();
  return casefile::Dump(*current);
}

std::string Safe(const Json& object, std::string_view path) {
  return EscapeForTerminal(Member(object, path));
}

Column MemberColumn(std::string_view title, std::string path, size_t limit) {
  return {title, [path = std::move(path), limit](const Json& object) {
            return Member(object, path).substr(0, limit);
          }};
}

Result<void> PrintObjects(Program& program, const std::vector<Json>& objects,
                          const std::vector<Column>& columns) {
  const auto output = EKSHUME_TRY(program.OpenOutput());
  if (program.format == OutputFormat::kJson) {
    // One document with stable indentation, for people who read JSON too.
    output->Write(casefile::Dump(Json(objects), 2) + "\n");
    return output->Finish();
  }
  RowWriter writer(program.format, *output);
  RowFormatter row(program.format);
  if (program.format == OutputFormat::kJsonLines) {
    for (const Json& object : objects) output->Write(casefile::Dump(object) + "\n");
    return output->Finish();
  }
  for (const Json& object : objects) {
    row.Begin();
    if (program.format == OutputFormat::kCsv) {
      for (const auto& [key, value] : object.items()) row.Text(key, Member(object, key));
    } else {
      for (const Column& column : columns) row.Text(std::string(column.title), column.text(object));
    }
    row.End();
  }
  writer.Write(row.Take(), row.keys());
  writer.Finish();
  return output->Finish();
}

Result<void> PrintObject(Program& program, const Json& object) {
  if (program.format != OutputFormat::kTable) {
    if (program.format == OutputFormat::kJson) {
      const auto output = EKSHUME_TRY(program.OpenOutput());
      output->Write(casefile::Dump(object, 2) + "\n");
      return output->Finish();
    }
    return PrintObjects(program, {object}, {});
  }
  const auto output = EKSHUME_TRY(program.OpenOutput());
  for (const auto& [key, value] : object.items()) {
    const bool absent = value.is_null() || (value.is_structured() && value.empty());
    if (absent) continue;
    const bool list = value.is_array();
    const bool map = value.is_object();
    if (!list && !map) {
      output->Write(fmt::format("{:<20}  {}\n", key, EscapeForTerminal(Member(object, key))));
      continue;
    }
    output->Write(fmt::format("{}\n", key));
    for (const auto& [inner_key, inner] : value.items()) {
      const std::string text = inner.is_string() ? inner.get<std::string>() : casefile::Dump(inner);
      output->Write(map ? fmt::format("    {:<40}  {}\n", EscapeForTerminal(inner_key),
                                      EscapeForTerminal(text))
                        : fmt::format("    {}\n", EscapeForTerminal(text)));
    }
  }
  return output->Finish();
}

}  // namespace ekshume::cli
