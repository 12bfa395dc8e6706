// SPDX-License-Identifier: Apache-2.0
#include "collect/maps.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"
#include "collect/system.h"

namespace ekshume::collect {

std::optional<Mapping> ParseMapping(std::string_view line) {
  // 7f12a0000000-7f12a0021000 rw-p 00000000 00:00 0    [heap]
  constexpr std::string_view kDeleted = " (deleted)";
  const std::vector<std::string_view> fields = Fields(line);
  if (fields.size() < 5) return std::nullopt;
  const size_t dash = fields[0].find('-');
  if (dash == std::string_view::npos || fields[1].size() != 4) return std::nullopt;
  const auto start = ParseNumber(fields[0].substr(0, dash), 16);
  const auto end = ParseNumber(fields[0].substr(dash + 1), 16);
  const auto offset = ParseNumber(fields[2], 16);
  const auto inode = ParseNumber(fields[4]);
  if (!start || !end || !offset || !inode || *end <= *start) return std::nullopt;
  Mapping mapping{.start = *start,
                  .end = *end,
                  .permissions = std::string(fields[1]),
                  .offset = *offset,
                  .device = std::string(fields[3]),
                  .inode = *inode};
  if (fields.size() > 5) {
    mapping.path = line.substr(static_cast<size_t>(fields[5].data() - line.data()));
    if (mapping.path.ends_with(kDeleted)) {
      mapping.deleted = true;
      mapping.path.resize(mapping.path.size() - kDeleted.size());
    }
  }
  return mapping;
}

Result<std::vector<Mapping>> ReadMaps(const Context& context, int pid) {
  std::vector<Mapping> mappings;
  EKSHUME_TRY(ForEachLine(context.ProcPath(pid, "maps"), [&](std::string_view line) {
    if (auto mapping = ParseMapping(line)) mappings.push_back(std::move(*mapping));
    return mappings.size() < limits::kMaxMemoryRegions;
  }));
  return mappings;
}

Result<void> CollectMaps(Context& context) {
  collection::TableWriter table(context.writer, "live/maps.jsonl");
  for (const Process& process : context.processes) {
    if (process.kernel_thread) continue;
    if (context.cancelled) break;
    const Result<std::vector<Mapping>> mappings = ReadMaps(context, process.pid);
    if (!mappings) {
      EKSHUME_TRY(context.journal.Skip("live/maps.jsonl", mappings.error(), process.pid));
      continue;
    }
    for (const Mapping& mapping : *mappings) {
      JsonLine line;
      line.Number("pid", process.pid);
      line.Text("start", fmt::format("{:x}", mapping.start));
      line.Text("end", fmt::format("{:x}", mapping.end));
      line.Text("permissions", mapping.permissions);
      line.Number("offset", mapping.offset);
      line.Text("device", mapping.device);
      line.Number("inode", mapping.inode);
      line.TextOrNull("path", mapping.path);
      line.Bool("deleted", mapping.deleted);
      EKSHUME_TRY(table.AddLine(line.Take()));
    }
    if (mappings->size() >= limits::kMaxMemoryRegions) {
      EKSHUME_TRY(context.journal.Skip(
          SkipReason::kLimit, "live/maps.jsonl",
          fmt::format("more than {} mappings (kMaxMemoryRegions)", limits::kMaxMemoryRegions),
          process.pid));
    }
  }
  return table.Finish();
}

}  // namespace ekshume::collect
