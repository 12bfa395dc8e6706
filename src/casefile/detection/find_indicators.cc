// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "base/time.h"
#include "casefile/detection/file_scan.h"
#include "detect/indicator/event_findings.h"

namespace ekshume::casefile {
namespace {

namespace indicator = detect::indicator;

// What one thread of Store::Scan() needs.
struct Worker {
  explicit Worker(const indicator::Index& index) : findings(index) {}
  indicator::EventFindings findings;
  event::Event event;
};

Result<void> SearchSlice(event::EventSlice& slice, Worker& worker) {
  event::Event& event = worker.event;
  for (size_t row = 0; row < slice.size(); ++row) {
    for (size_t i = 0; i < event::kTextCount; ++i) {
      const event::Text column = static_cast<event::Text>(i);
      if (indicator::IsRead(column)) event[column] = slice.Text(row, column);
    }
    event.time.reset();
    if (const std::optional<int64_t> time = slice.Time(row)) {
      event.time = TimestampFromNanoseconds(*time);
    }
    const std::string_view raw = EKSHUME_TRY(slice.Record(row));
    if (worker.findings.Match(event, raw).empty()) continue;
    worker.findings.Add(event, slice.Id(row));
  }
  return {};
}

}  // namespace

Result<std::vector<detect::Finding>> FindIndicators(event::Store& store, const FileRules& rules,
                                                    DiagnosticSink& diagnostics,
                                                    Progress& progress) {
  if (rules.indicators == nullptr || rules.indicators->size() == 0) {
    return std::vector<detect::Finding>();
  }
  progress.SetStage("looking for indicators");
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < event::ScanThreads(); ++i) {
    workers.push_back(std::make_unique<Worker>(*rules.indicators));
  }
  const auto visit = [&](size_t thread, event::EventSlice& slice) -> Result<bool> {
    if (progress.cancelled()) return false;
    EKSHUME_TRY(SearchSlice(slice, *workers[thread]));
    progress.AddItems(slice.size());
    return true;
  };
  EKSHUME_TRY(store.Scan("true", visit));
  detect::Findings all;
  for (const auto& worker : workers) all.Merge(std::move(worker->findings.findings()));
  if (all.left_out() > 0) {
    diagnostics.Report(DiagnosticCode::kScanLimit, "indicators",
                       fmt::format("{} events with indicators would have made further findings "
                                   "(kMaxFindings)",
                                   all.left_out()));
  }
  return all.Take();
}

}  // namespace ekshume::casefile
