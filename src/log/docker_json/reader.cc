// SPDX-License-Identifier: Apache-2.0
#include "log/docker_json/reader.h"

#include <algorithm>

#include "log/container_lines.h"
#include "log/fields.h"
#include "log/json.h"

namespace ekshume::log::docker_json {
namespace {

using event::Event;

// Docker hands a line on when its buffer is full (daemon/logger/copier.go). What is shorter and has
// no newline was the last output of the container, or another writer's.
constexpr size_t kBufferBytes = 16384;

constexpr std::string_view kHead = R"({"log":")";

// Where the string ends that begins at `begin`, behind its opening quote.
size_t StringEnd(std::string_view text, size_t begin) {
  while (begin < text.size() && text[begin] != '"') begin += text[begin] == '\\' ? 2 : 1;
  return std::min(begin, text.size());
}

// Reads what Continues() needs without reading the JSON.
std::optional<OutputPart> ReadHead(std::string_view line) {
  if (!line.starts_with(kHead)) return std::nullopt;
  const size_t end = StringEnd(line, kHead.size());
  const std::string_view text = line.substr(kHead.size(), end - kHead.size());
  const std::string_view rest = line.substr(end);
  OutputPart part;
  part.is_stderr = rest.find(R"("stream":"stderr")") != std::string_view::npos;
  part.open = text.size() >= kBufferBytes && !text.ends_with(R"(\n)");
  return part;
}

// Times have one to nine decimals; some lack the Z.
std::optional<Timestamp> ParseTime(std::string_view text) {
  if (const std::optional<Timestamp> time = ParseTimestamp(text)) return time;
  return ParseTimestamp(std::string(text) + 'Z');
}

struct Line {
  OutputPart part;
  std::string_view text;
  bool has_log = false;
  bool has_time = false;
};

// False when the JSON is broken.
bool ReadLine(const Record& record, Line& line) {
  return ForEachMember(record, [&](std::string_view key, JsonValue value) {
    std::string_view text;
    if (key == "log") {
      line.has_log = JsonView(value, line.text);
    } else if (key == "stream" && JsonView(value, text)) {
      line.part.is_stderr = text == "stderr";
    } else if (key == "time" && JsonView(value, text)) {
      line.has_time = true;
      line.part.time = ParseTime(text);
    }
  });
}

class Reader final : public Format {
 public:
  std::string_view name() const override { return "docker_json"; }
  std::string_view description() const override {
    return "Output of containers as Docker's json-file driver keeps it";
  }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with(kHead)) return Match::kNo;
    const std::string_view rest = record.substr(StringEnd(record, kHead.size()));
    return HasKey(rest, "stream") && HasKey(rest, "time") && !HasKey(rest, "kubernetes")
               ? Match::kYes
               : Match::kNo;
  }

  bool spans_lines() const override { return true; }
  bool Continues(std::string_view record, std::string_view line) const override {
    return EndsWithOpenPart(record, ReadHead) && ReadHead(line);
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& diagnostics) const override {
    std::string_view rest = record.bytes;
    const bool several = rest.find('\n') != std::string_view::npos;
    OutputLines lines;
    while (!rest.empty()) {
      const std::string_view raw = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(raw.size() + 1, rest.size()));
      Line line;
      // What follows the line in the record is as good as padding.
      if (!ReadLine(Record{raw, record.carrier_time, record.stream}, line)) {
        return Sniff(record.bytes) == Match::kNo ? Outcome::kNotMine : Outcome::kDamaged;
      }
      if (!line.has_log || !line.has_time) return Outcome::kNotMine;
      line.part.open = line.text.size() >= kBufferBytes && !line.text.ends_with('\n');
      if (several) {
        lines.Add(line.part, line.text, raw);
        continue;
      }
      AddOutputEvent(record, line.part, line.text, {}, event, sink, diagnostics);
      return Outcome::kEvents;
    }
    if (!several) return Outcome::kNotMine;
    lines.Emit(record, event, sink, diagnostics);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& DockerJsonFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::docker_json
