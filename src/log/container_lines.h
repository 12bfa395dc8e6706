// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/format.h"

// Container runtimes write a long line of output in parts, one after the other for each of the two
// streams, so that parts of both may stand interleaved. These put them together again.
namespace ekshume::log {

// One part as it stands in a file.
struct OutputPart {
  std::optional<Timestamp> time;
  bool is_stderr = false;
  bool open = false;  // more of the same line follows
};

// How a format reads what Continues() needs of a part; none for what is no part.
using ReadPart = std::optional<OutputPart> (*)(std::string_view line);

// Whether a stream's last part in `record` is open. Looks back kPartsLookedBack lines: a part that
// was left open so long ago will not be closed any more.
inline constexpr int kPartsLookedBack = 16;
bool EndsWithOpenPart(std::string_view record, ReadPart read);

// Lines of output, gathered from the parts of a record.
class OutputLines {
 public:
  // `text` is the part's output, `raw` the part as it stands in the record.
  void Add(const OutputPart& part, std::string_view text, std::string_view raw);
  // Adds an event for each line, as AddOutputEvent does: in the order of their first parts, at the
  // first part's time.
  void Emit(const Record& record, event::Event& event, event::Sink& sink,
            DiagnosticSink& diagnostics);

 private:
  struct Line {
    OutputPart first;
    std::string text;
    std::string raw;
  };
  std::vector<Line> lines_;
  std::optional<size_t> open_[2];  // the line of stdout, of stderr that goes on
};

// Adds the event of one line of output. When a program wrote it whose log is of a known format
// (Falco, Tetragon, klog, an API server's audit events, the authenticator), that format reads it
// and is the event's `source`. `raw` is empty when the record holds no other line.
void AddOutputEvent(const Record& record, const OutputPart& part, std::string_view text,
                    std::string_view raw, event::Event& event, event::Sink& sink,
                    DiagnosticSink& diagnostics);

}  // namespace ekshume::log
