// SPDX-License-Identifier: Apache-2.0
#include "casefile/running/bundle_records.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "casefile/body_file.h"
#include "casefile/file_input.h"
#include "collection/line_cutter.h"
#include "log/carrier/unpack.h"

namespace ekshume::casefile {
namespace {

using event::Event;
using event::Text;

constexpr size_t kReadBytes = size_t{1} << 20;

class BundleRecords {
 public:
  BundleRecords(const LiveEvidence& live, const std::string& node, IngestFeed& feed, uint32_t item)
      : live_(live), node_(node), feed_(feed), item_(item) {}

  Result<void> Run() {
    for (const process::Records& file : live_.state.body_files) EKSHUME_TRY(ReadBodyFile(file));
    feed_.Flush();
    for (const process::Records& file : live_.state.records) EKSHUME_TRY(ReadRecords(file));
    return {};
  }

 private:
  Result<std::unique_ptr<fs::File>> OpenRecords(const process::Records& file) {
    auto opened = live_.archive->OpenFile(file.node);
    if (!opened) {
      feed_.diagnostics().Report(DiagnosticCode::kLogUnreadable,
                                 fmt::format("{}!{}", live_.name, file.member),
                                 opened.error().message);
    }
    return opened;
  }

  // The times of files that came with a bundle.
  Result<void> ReadBodyFile(const process::Records& file) {
    const auto opened = OpenRecords(file);
    if (!opened) return {};
    const std::string evidence = fmt::format("{}!{}", live_.name, file.member);
    collection::LineCutter cutter(limits::kMaxRecordBytes);
    std::string text(kReadBytes, '\0');
    uint64_t number = 0;
    uint64_t unknown = 0;
    size_t events = 0;
    const auto visit = [&](std::string_view line) {
      ++number;
      if (line.empty() || events >= limits::kMaxArtifactEvents) return;
      const auto body = ParseBodyLine(line);
      if (!body) {
        ++unknown;
        return;
      }
      event_.Clear();
      Event& event = event_;
      event[Text::kSource] = "file";
      event.time = live_.state.taken;
      event[Text::kTimeKind] = "Collection Time";
      event[Text::kNode] = node_;
      event.raw = line;
      VisitBodyEvents(*body, event, [&] {
        ++events;
        // The store takes what it is given; the next moment of the line needs it again.
        Event one = event;
        feed_.AddRow(item_, one, evidence, number);
      });
    };
    for (uint64_t offset = 0;;) {
      if (feed_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      const auto count = (*opened)->ReadAt(offset, AsWritableBytes(text));
      if (!count) {
        feed_.diagnostics().Report(DiagnosticCode::kLogUnreadable, evidence, count.error().message);
      }
      if (!count || *count == 0) break;
      cutter.Feed(std::string_view(text).substr(0, *count), visit);
      offset += *count;
    }
    cutter.Finish(visit);
    if (unknown > 0) {
      feed_.diagnostics().Report(DiagnosticCode::kLogRecordUnknown, evidence,
                                 fmt::format("{} lines that are of no body file", unknown));
    }
    if (events >= limits::kMaxArtifactEvents || cutter.left_out() > 0) {
      feed_.diagnostics().Report(
          DiagnosticCode::kArtifactLimit, evidence,
          fmt::format("its rest (kMaxArtifactEvents), or {} lines that are too long "
                      "(kMaxRecordBytes)",
                      cutter.left_out()));
    }
    return {};
  }

  // Logs that came with a bundle.
  Result<void> ReadRecords(const process::Records& file) {
    if (feed_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    const auto opened = OpenRecords(file);
    if (!opened) return {};
    log::FileInput input(**opened);
    log::Stream stream;
    stream.path = file.path;
    const auto stat = live_.archive->GetStat(file.node);
    stream.written = stat ? std::optional(stat->modified) : live_.state.taken;
    stream.defaults[Text::kNode] = node_;
    log::Leaf leaf;
    leaf.evidence = fmt::format("{}!{}", live_.name, file.member);
    leaf.path = file.path;
    Result<void> added = {};
    const Result<void> unpacked = log::Unpack(
        input, (*opened)->size_bytes(), leaf, feed_.diagnostics(), [&](const log::Leaf& inner) {
          if (added) added = feed_.AddLeaf(item_, inner, log::Stream(stream));
        });
    EKSHUME_TRY(std::move(added));
    if (!unpacked) {
      feed_.diagnostics().Report(DiagnosticCode::kLogUnreadable, leaf.evidence,
                                 unpacked.error().message);
    }
    return {};
  }

  const LiveEvidence& live_;
  const std::string& node_;
  IngestFeed& feed_;
  const uint32_t item_;
  Event event_;
};

}  // namespace

Result<void> AddBundleRecords(const LiveEvidence& live, const std::string& node, IngestFeed& feed,
                              uint32_t item) {
  return BundleRecords(live, node, feed, item).Run();
}

}  // namespace ekshume::casefile
