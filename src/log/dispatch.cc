// SPDX-License-Identifier: Apache-2.0
#include "log/dispatch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <unordered_map>

#include "base/hash.h"
#include "base/limits.h"
#include "log/carrier/path_hints.h"
#include "log/carrier/text_prefix.h"
#include "log/envelope.h"
#include "log/json.h"

namespace ekshume::log {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr size_t kMaxDerivedStreams = 1000;
// CloudWatch takes events that are up to two weeks old, but agents send them within minutes.
constexpr int64_t kMaxSkewSeconds = 86400;
// Of the first records of a file, how many may be of no known format before it is one as a whole.
constexpr size_t kRecordsTried = 50;

std::string_view Trim(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

RecordCounts& RecordCounts::operator+=(const RecordCounts& other) {
  records += other.records;
  rows += other.rows;
  extra += other.extra;
  skipped += other.skipped;
  damaged += other.damaged;
  unknown += other.unknown;
  return *this;
}

class Dispatcher::Implementation final : public event::Sink {
 public:
  explicit Implementation(DiagnosticSink& diagnostics) : diagnostics_(diagnostics) {}

  RecordCounts Read(const RecordBatch& batch, uint32_t item, std::string_view evidence,
                    event::RowBatch& rows) {
    rows_ = &rows;
    item_ = item;
    evidence_ = evidence;
    counts_ = {};
    derived_.clear();  // by address: another batch's streams may lie at the same
    for (const RecordBatch::Part& part : batch.parts) {
      offset_ = part.offset;
      sub_index_ = 0;
      Handle({std::string_view(batch.bytes).substr(part.begin, part.size),
              {},
              batch.streams[part.stream].get()},
             0);
    }
    return counts_;
  }

  bool Recognizes(const RecordBatch& batch) {
    DiagnosticSink ignored;
    Implementation probe(ignored);
    event::RowBatch rows;
    probe.rows_ = &rows;
    for (size_t i = 0; i < batch.parts.size() && i < kRecordsTried; ++i) {
      const RecordBatch::Part& part = batch.parts[i];
      probe.Handle({std::string_view(batch.bytes).substr(part.begin, part.size),
                    {},
                    batch.streams[part.stream].get()},
                   0);
      if (probe.known_) return true;
    }
    return false;
  }

  void Add(Event& event) override {
    const Record& record = *record_;
    if (event[Text::kSource].empty()) event[Text::kSource] = source_;
    CheckTime(event, record);
    if (event.time && event[Text::kTimeKind].empty()) event[Text::kTimeKind] = "Event Time";
    const Event& defaults = record.stream->defaults;
    for (const Text column : kDefaulted) {
      if (event[column].empty() && !defaults[column].empty()) event[column] = defaults[column];
    }
    for (const std::string_view tag : {truncated_ ? "truncated" : "", mended_ ? "mended" : ""}) {
      if (!tag.empty()) event.AddTag(tag);
    }
    const event::Place place{item_, evidence_, offset_, sub_index_++};
    if (event.identity.empty() && !record.stream->beginning.empty()) {
      FillIdentity(place, record.stream->beginning, event);
    }
    if (!event.raw.empty()) {
      rows_->Add(event, place, rows_->AddRaw(event.raw), static_cast<uint32_t>(event.raw.size()));
    } else {
      if (!raw_written_) raw_offset_ = rows_->AddRaw(original_);
      raw_written_ = true;
      rows_->Add(event, place, raw_offset_, static_cast<uint32_t>(original_.size()));
    }
    event.Clear();
    ++added_;
  }

 private:
  // The columns that a stream may know.
  static constexpr std::array kDefaulted = {
      Text::kAccountId, Text::kRegion, Text::kCluster,   Text::kNode,        Text::kNamespace,
      Text::kPod,       Text::kPodUid, Text::kContainer, Text::kContainerId, Text::kImage};

  // What a record is that does not say who it is: the same bytes at the same place of a file that
  // begins the same, of the same node, pod and container. So a file that is there plain and
  // compressed, or before and after it grew, is read once.
  void FillIdentity(const event::Place& place, std::string_view beginning, Event& event) {
    hash_.Update(ByteView::Of(event.raw.empty() ? original_ : std::string_view(event.raw)));
    fmt::format_to(std::back_inserter(event.identity), "{}\n{}.{}\n{}\n{}\n{}\n{}", beginning,
                   place.offset, place.sub_index, event[Text::kNode], event[Text::kPodUid],
                   event[Text::kContainerId], ToHex(hash_.Finish()));
  }

  // A record without a time has its carrier's. What cannot be stored, and what is far from the time
  // at which its carrier had it, is worth a word.
  void CheckTime(Event& event, const Record& record) {
    if (!event.time) {
      event.time = record.carrier_time;
      return;
    }
    if (!event::CanStoreTime(*event.time)) {
      event.AddTag("time_out_of_range");
      Report(DiagnosticCode::kLogTimeOutOfRange, record, FormatTimestamp(*event.time));
    } else if (record.carrier_time &&
               (event[Text::kTimeKind].empty() || event[Text::kTimeKind] == "Event Time") &&
               std::abs(event.time->seconds - record.carrier_time->seconds) > kMaxSkewSeconds) {
      event.AddTag("clock_skew");
      Report(DiagnosticCode::kLogTimeUnlikely, record,
             fmt::format("{}, its carrier says {}", FormatTimestamp(*event.time),
                         FormatTimestamp(*record.carrier_time)));
    }
  }

  void Report(DiagnosticCode code, const Record& record, std::string detail) {
    diagnostics_.Report(code, record.stream->evidence, std::move(detail), offset_);
  }

  // Lets a format read a record; the record is what the rows keep as found.
  Outcome Try(const Format& format, const Record& record) {
    record_ = &record;
    source_ = format.name();
    added_ = 0;
    event_.Clear();
    return format.Parse(record, event_, *this, diagnostics_);
  }

  void Count(Outcome outcome) {
    known_ = true;
    ++counts_.records;
    counts_.rows += added_;
    if (outcome == Outcome::kEvents && added_ > 0) {
      counts_.extra += added_ - 1;
    } else {
      ++counts_.skipped;
    }
  }

  // The format that the stream's header is of: it alone can know what the columns are. Null when
  // there is no header.
  const Format* HeaderFormat(const Stream& stream) {
    if (stream.header.empty()) return nullptr;
    if (stream.header != header_) {
      header_ = stream.header;
      const auto found = std::ranges::find_if(
          Formats(), [&](const Format* format) { return format->IsHeader(header_); });
      header_format_ = found == Formats().end() ? nullptr : *found;
    }
    return header_format_;
  }

  // NOLINTBEGIN(misc-no-recursion): no deeper than kMaxEnvelopeDepth

  // A record that some format knows, and counts it. kNotMine when none does.
  Outcome Known(const Record& record) {
    original_ = record.bytes;
    raw_written_ = false;
    if (const Format* format = HeaderFormat(*record.stream)) {
      const Outcome outcome = Try(*format, record);
      if (outcome == Outcome::kDamaged) return Mend(*format, record);
      if (outcome != Outcome::kNotMine) {
        Count(outcome);
        return outcome;
      }
    }
    if (last_ != nullptr && record.bytes.starts_with('{') == last_is_json_) {
      Outcome outcome = Try(*last_, record);
      if (outcome == Outcome::kDamaged && last_->Sniff(record.bytes) == Match::kNo) {
        outcome = Outcome::kNotMine;
      }
      if (outcome == Outcome::kDamaged) return Mend(*last_, record);
      if (outcome != Outcome::kNotMine) {
        Count(outcome);
        return outcome;
      }
    }
    for (const Match wanted : {Match::kYes, Match::kMaybe}) {
      for (const Format* format : Formats()) {
        if (format == last_ || format->Sniff(record.bytes) != wanted) continue;
        const Outcome outcome = Try(*format, record);
        if (outcome == Outcome::kNotMine) continue;
        // JSON behind a time that CloudWatch wrote.
        if (outcome == Outcome::kDamaged && !record.bytes.starts_with('{') && Prefixed(record)) {
          return Outcome::kEvents;
        }
        if (wanted == Match::kYes) {
          last_ = format;
          last_is_json_ = record.bytes.starts_with('{');
        }
        if (outcome == Outcome::kDamaged) return Mend(*format, record);
        Count(outcome);
        return outcome;
      }
      if (wanted == Match::kYes && Prefixed(record)) return Outcome::kEvents;
    }
    return Outcome::kNotMine;
  }

  // A text line that CloudWatch wrote a time before.
  bool Prefixed(const Record& record) {
    if (record.bytes.starts_with('{') || depth_ >= limits::kMaxEnvelopeDepth) return false;
    const std::optional<TextPrefix> prefix = ParseTextPrefix(record.bytes);
    if (!prefix) return false;
    Envelope envelope;
    envelope.log_stream = prefix->log_stream;
    const Record inner{prefix->message, prefix->time, Derive(*record.stream, envelope)};
    HandleInner(inner, "log_line");
    return true;
  }

  // A damaged record: what can be mended is read, the rest is a diagnostic.
  Outcome Mend(const Format& format, const Record& record) {
    const bool cut = record.bytes.contains("[Truncated...]");
    if (record.bytes.starts_with('{')) {
      if (std::optional<std::string> mended = MendJson(record.bytes)) {
        mended->append(kRecordPadding, '\0');
        Record copy = record;
        copy.bytes = std::string_view(*mended).substr(0, mended->size() - kRecordPadding);
        truncated_ = cut;
        mended_ = !cut;
        const Outcome outcome = Try(format, copy);
        truncated_ = mended_ = false;
        if (outcome == Outcome::kEvents && added_ > 0) {
          Report(cut ? DiagnosticCode::kLogRecordTruncated : DiagnosticCode::kLogRecordMended,
                 record, fmt::format("{} bytes", record.bytes.size()));
          Count(outcome);
          return outcome;
        }
      }
    }
    known_ = known_ || format.Sniff(record.bytes) == Match::kYes;
    ++counts_.records;
    ++counts_.damaged;
    Report(DiagnosticCode::kLogRecordDamaged, record,
           fmt::format("{}, {} bytes", format.name(), record.bytes.size()));
    return Outcome::kDamaged;
  }

  // A record at any depth of envelopes. `fallback`: the source of the row that a record of no known
  // format becomes, when an envelope vouches for it; "" makes it a diagnostic.
  void Handle(Record record, int depth, std::string_view fallback = {}) {
    record.bytes = Trim(record.bytes);
    depth_ = depth;
    if (record.bytes.empty()) {
      ++counts_.records;
      ++counts_.skipped;
      return;
    }
    const char first = record.bytes.front();
    if (depth < limits::kMaxEnvelopeDepth) {
      if ((first == '{' || first == '[') && wrapped_[static_cast<size_t>(depth)] &&
          Unwrap(record, depth, fallback)) {
        return;
      }
      if (first == '"' && HandleString(record, depth)) return;
      if (IsBase64Gzip(record.bytes) && Decode(record, record.bytes, depth)) return;
      if (record.stream->header.contains("@message") && depth == 0) {
        HandleInsightsCsv(record);
        return;
      }
    }
    // Envelopes are asked first unless the last record at this depth was none and of a known
    // format.
    if ((first == '{' || first == '[') && (last_ == nullptr || !last_is_json_) &&
        depth < limits::kMaxEnvelopeDepth && !wrapped_[static_cast<size_t>(depth)] &&
        Unwrap(record, depth, fallback)) {
      return;
    }
    if (last_ != nullptr && last_is_json_ && first == '{') {
      original_ = record.bytes;
      raw_written_ = false;
      const Outcome outcome = Try(*last_, record);
      if (outcome == Outcome::kEvents || outcome == Outcome::kSkipped) {
        Count(outcome);
        return;
      }
      if (outcome == Outcome::kNotMine && depth < limits::kMaxEnvelopeDepth &&
          Unwrap(record, depth, fallback)) {
        return;
      }
    }
    if (Known(record) != Outcome::kNotMine) return;
    if (record.bytes.starts_with("CWL CONTROL MESSAGE")) {
      known_ = true;
      ++counts_.records;
      ++counts_.skipped;
      return;
    }
    if (!fallback.empty()) {
      AddPlain(record, fallback);
      return;
    }
    if (first == '{' && MendBroken(record, depth)) return;
    ++counts_.records;
    ++counts_.unknown;
    Report(DiagnosticCode::kLogRecordUnknown, record,
           fmt::format("begins with {}", record.bytes.substr(0, 60)));
  }

  // JSON that is so broken that no format knows it: mended, it may be known.
  bool MendBroken(const Record& record, int depth) {
    if (mending_) return false;
    std::optional<std::string> mended = MendJson(record.bytes);
    if (!mended || *mended == record.bytes) return false;
    mended->append(kRecordPadding, '\0');
    Record copy = record;
    copy.bytes = std::string_view(*mended).substr(0, mended->size() - kRecordPadding);
    const RecordCounts before = counts_;
    mending_ = true;
    const bool unwrapped = depth < limits::kMaxEnvelopeDepth && Unwrap(copy, depth);
    mending_ = false;
    if (!unwrapped) return false;
    if (counts_.rows == before.rows) return true;
    Report(DiagnosticCode::kLogRecordMended, record, fmt::format("{} bytes", record.bytes.size()));
    return true;
  }

  void HandleInner(const Record& record, std::string_view fallback) {
    const int depth = depth_;
    Handle(record, depth + 1, fallback);
    depth_ = depth;
  }

  bool HandleString(const Record& record, int depth) {
    const std::string wrapped = fmt::format("{{\"s\":{}}}", record.bytes);
    const std::string padded = wrapped + std::string(kRecordPadding, '\0');
    std::string text;
    const Record object{std::string_view(padded).substr(0, wrapped.size()), {}, record.stream};
    if (!ForEachMember(object, [&](std::string_view, JsonValue value) { JsonText(value, text); })) {
      return false;
    }
    Inner(record, text, {}, record.stream, depth, {});
    return true;
  }

  // A record that lies in a buffer of its own.
  void Inner(const Record& outer, std::string& bytes, std::optional<Timestamp> time,
             const Stream* stream, int depth, std::string_view fallback) {
    const size_t size = bytes.size();
    bytes.append(kRecordPadding, '\0');
    if (time == Timestamp{}) time.reset();  // 1970: what is written where there is no time
    Handle({std::string_view(bytes).substr(0, size), time ? time : outer.carrier_time, stream},
           depth + 1, fallback);
  }

  bool Decode(const Record& record, std::string_view text, int depth) {
    std::optional<std::string> content =
        DecodeBase64Gzip(text, record.stream->evidence, diagnostics_);
    if (!content) return false;
    Inner(record, *content, {}, record.stream, depth, {});
    return true;
  }

  // Takes an envelope off and handles what is inside. False when the record is none. `fallback` is
  // that of the envelope around it, for the records of an array.
  bool Unwrap(const Record& record, int depth, std::string_view fallback = {}) {
    Envelope envelope;
    OpenEnvelope(record, envelope);
    wrapped_[static_cast<size_t>(depth)] = envelope.kind != EnvelopeKind::kNone;
    switch (envelope.kind) {
      case EnvelopeKind::kNone: return false;
      case EnvelopeKind::kArray: {
        size_t visited = 0;
        const bool whole =
            VisitJsonRecords(record.bytes, [&](std::string_view element, std::string_view head) {
              if (element.size() == record.bytes.size()) return;  // not taken apart: no array
              ++visited;
              Handle({element, record.carrier_time, WithHead(*record.stream, head)}, depth + 1,
                     fallback);
            });
        if (!whole && visited == 0) {  // text that begins with a bracket
          wrapped_[static_cast<size_t>(depth)] = false;
          return false;
        }
        if (!whole) {
          ++counts_.records;
          ++counts_.damaged;
          Report(DiagnosticCode::kLogRecordDamaged, record, "a part of it is no JSON");
        }
        return true;
      }
      case EnvelopeKind::kBase64Gzip: return Decode(record, envelope.content, depth);
      case EnvelopeKind::kLookupEvent:
      case EnvelopeKind::kNotification:
      case EnvelopeKind::kAzure:
        Inner(record, envelope.content, envelope.time, record.stream, depth, {});
        return true;
      case EnvelopeKind::kEventBridge:
        bridge_name_ = envelope.name;
        Inner(record, envelope.content, envelope.time, Derive(*record.stream, envelope), depth,
              "eventbridge");
        return true;
      case EnvelopeKind::kCloudWatch:
      case EnvelopeKind::kInsightsRow:
        Inner(record, envelope.content, envelope.time, Derive(*record.stream, envelope), depth,
              "log_line");
        return true;
      case EnvelopeKind::kShipper:
        Inner(record, envelope.content, envelope.time, Derive(*record.stream, envelope), depth,
              envelope.kubernetes.empty() ? "log_line" : "container_log");
        return true;
    }
    return false;
  }

  void HandleInsightsCsv(const Record& record) {
    const std::vector<std::string> columns = CsvFields(Trim(record.stream->header));
    const std::vector<std::string> fields = CsvFields(record.bytes);
    Envelope envelope;
    for (size_t i = 0; i < columns.size() && i < fields.size(); ++i) {
      if (columns[i] == "@message") envelope.content = fields[i];
      if (columns[i] == "@timestamp") envelope.time = ParseCarrierTime(fields[i]);
      if (columns[i] == "@logStream") envelope.log_stream = fields[i];
      if (columns[i] == "@log") envelope.log_group = fields[i].substr(fields[i].find(':') + 1);
    }
    Inner(record, envelope.content, envelope.time, Derive(*record.stream, envelope), 0, "log_line");
  }

  // NOLINTEND(misc-no-recursion)

  // A row for a line of an application, which is of no format but has a place and a time.
  void AddPlain(const Record& record, std::string_view source) {
    record_ = &record;
    original_ = record.bytes;
    raw_written_ = false;
    source_ = source;
    added_ = 0;
    event_.Clear();
    event_[Text::kMessage] = record.bytes.substr(0, kPlainBytes);
    if (source == "eventbridge") {
      event_[Text::kAction] = bridge_name_;
      event_[Text::kMessage] = fmt::format("{}: {}", bridge_name_, event_[Text::kMessage]);
    }
    Add(event_);
    Count(Outcome::kEvents);
  }
  static constexpr size_t kPlainBytes = 2000;  // of a message; the record is kept whole

  const Stream* WithHead(const Stream& stream, std::string_view head) {
    if (head.empty()) return &stream;
    Envelope envelope;
    const std::string closed = MendJson(std::string(head)).value_or("{}");
    const std::string padded = closed + std::string(kRecordPadding, '\0');
    const Record record{std::string_view(padded).substr(0, closed.size()), {}, &stream};
    static_cast<void>(ForEachMember(record, [&](std::string_view key, JsonValue value) {
      if (key == "logGroup") JsonText(value, envelope.log_group);
      if (key == "logStream") JsonText(value, envelope.log_stream);
      if (key == "owner") JsonText(value, envelope.account_id);
    }));
    return Derive(stream, envelope);
  }

  // The stream with what an envelope adds. Kept, as the next record has the same.
  const Stream* Derive(const Stream& stream, const Envelope& envelope) {
    if (envelope.log_group.empty() && envelope.log_stream.empty() && envelope.account_id.empty() &&
        envelope.region.empty() && envelope.kubernetes.empty()) {
      return &stream;
    }
    if (derived_.size() > kMaxDerivedStreams && depth_ == 0) derived_.clear();
    const std::string key =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", fmt::ptr(&stream), envelope.log_group,
                    envelope.log_stream, envelope.account_id, envelope.region, envelope.kubernetes);
    std::unique_ptr<Stream>& derived = derived_[key];
    if (!derived) {
      derived = std::make_unique<Stream>(stream);
      if (!envelope.log_group.empty()) derived->log_group = envelope.log_group;
      if (!envelope.log_stream.empty()) derived->log_stream = envelope.log_stream;
      if (!envelope.account_id.empty()) derived->defaults[Text::kAccountId] = envelope.account_id;
      if (!envelope.region.empty()) derived->defaults[Text::kRegion] = envelope.region;
      if (!envelope.kubernetes.empty()) {
        FillFromKubernetesMetadata(envelope.kubernetes, derived->defaults);
      }
      FillFromPath(*derived);
    }
    return derived.get();
  }

  DiagnosticSink& diagnostics_;
  event::RowBatch* rows_ = nullptr;
  uint32_t item_ = 0;
  std::string_view evidence_;
  RecordCounts counts_;
  uint64_t offset_ = 0;
  uint32_t sub_index_ = 0;
  // The record that is being read.
  const Record* record_ = nullptr;
  std::string_view source_;
  std::string_view original_;  // its bytes as found, which the rows keep
  bool raw_written_ = false;
  uint32_t raw_offset_ = 0;
  uint64_t added_ = 0;
  bool truncated_ = false;
  bool mended_ = false;
  bool mending_ = false;
  int depth_ = 0;
  bool known_ = false;  // whether a format knew any record so far
  Event event_;
  std::string bridge_name_;
  // What the last records were.
  const Format* last_ = nullptr;
  bool last_is_json_ = false;
  std::array<bool, limits::kMaxEnvelopeDepth> wrapped_{};
  std::unordered_map<std::string, std::unique_ptr<Stream>> derived_;
  Sha256 hash_;
  std::string header_;
  const Format* header_format_ = nullptr;
};

Dispatcher::Dispatcher(DiagnosticSink& diagnostics)
    : implementation_(std::make_unique<Implementation>(diagnostics)) {}
Dispatcher::~Dispatcher() = default;

RecordCounts Dispatcher::Read(const RecordBatch& batch, uint32_t item, std::string_view evidence,
                              event::RowBatch& rows) {
  return implementation_->Read(batch, item, evidence, rows);
}

bool Dispatcher::Recognizes(const RecordBatch& batch) { return implementation_->Recognizes(batch); }

}  // namespace ekshume::log
