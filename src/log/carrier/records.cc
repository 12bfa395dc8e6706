// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/limits.h"
#include "log/carrier/json_cutter.h"
#include "log/carrier/json_scan.h"
#include "log/carrier/path_hints.h"
#include "log/carrier/text_prefix.h"

namespace ekshume::log {
namespace {

constexpr size_t kHeadBytes = size_t{64} << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// After so many lines of no known format the stream has none that joins lines.
constexpr int kLinesSniffed = 100;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Whether a stream that begins like this is JSON that cannot be cut at its newlines.
bool IsStructured(std::string_view head) {
  size_t begin = 0;
  while (begin < head.size() && IsSpace(head[begin])) ++begin;
  if (begin == head.size()) return false;
  if (head[begin] == '[') {
    size_t next = begin + 1;
    while (next < head.size() && IsSpace(head[next])) ++next;
    return next < head.size() && std::string_view("{[\"]").contains(head[next]);
  }
  if (head[begin] != '{') return false;
  if (BeginsEnvelope(head.substr(begin))) return true;
  JsonScan scan;
  const size_t end = scan.Feed(head.substr(begin));
  const size_t newline = head.find('\n', begin);
  if (end == JsonScan::kOpen) {
    // Cut by its service: the line ends, the value does not.
    return newline == std::string_view::npos || !head.substr(0, newline).contains("[Truncated...]");
  }
  if (newline != std::string_view::npos && newline < begin + end)
    return true;  // printed over lines
  size_t next = begin + end;
  while (next < head.size() && head[next] != '\n' && IsSpace(head[next])) ++next;
  return next < head.size() && head[next] != '\n';
}

// The value of a string member of an envelope's head: {"logGroup":"x", ... No escapes.
std::string HeadMember(std::string_view head, std::string_view key) {
  const std::string quoted = fmt::format("\"{}\"", key);
  size_t at = head.find(quoted);
  if (at == std::string_view::npos) return {};
  at += quoted.size();
  while (at < head.size() && (IsSpace(head[at]) || head[at] == ':')) ++at;
  if (at >= head.size() || head[at] != '"') return {};
  const size_t end = head.find('"', at + 1);
  return end == std::string_view::npos ? std::string()
                                       : std::string(head.substr(at + 1, end - at - 1));
}

bool HasOddQuotes(std::string_view text) { return std::ranges::count(text, '"') % 2 == 1; }

}  // namespace

class RecordReader::Implementation {
 public:
  Implementation(Input& input, Stream stream, DiagnosticSink& diagnostics)
      : input_(input),
        stream_(std::make_shared<Stream>(std::move(stream))),
        diagnostics_(diagnostics) {}

  Result<bool> Next(RecordBatch& batch) {
    batch.parts.clear();
    batch.streams.clear();
    while (!done_) {
      // What the last batch left over comes first. The bytes become the batch's when it is full.
      std::swap(window_, batch.bytes);
      window_.assign(rest_);
      EKSHUME_TRY(Fill());
      if (!started_) Start();
      batch.streams.push_back(stream_);
      const size_t used = structured_ ? CutJson(batch) : CutLines(batch);
      done_ = last_;
      rest_.assign(window_, used);
      // The next window must be larger when nothing could be cut.
      wanted_ = std::max(limits::kMaxBatchBytes, rest_.size() * 2);
      base_ += used;
      std::swap(window_, batch.bytes);
      if (batch.parts.empty()) {
        batch.streams.clear();
        continue;
      }
      batch.bytes.resize(used);
      batch.bytes.append(kRecordPadding, '\0');
      return true;
    }
    return false;
  }

  const ReaderCounts& counts() const { return counts_; }

 private:
  enum class Framing { kLine, kPrefixed, kCsv, kFormat };

  Result<void> Fill() {
    while (!last_ && window_.size() < wanted_) {
      const size_t before = window_.size();
      Result<size_t> got = size_t{0};
      // Without zeros that the input then overwrites.
      window_.resize_and_overwrite(wanted_, [&](char* bytes, size_t size) {
        got = input_.Read(std::span(bytes + before, size - before));
        return before + (got ? *got : 0);
      });
      if (!got) return got.error();
      last_ = *got == 0;
    }
    return {};
  }

  void Start() {
    started_ = true;
    if (window_.starts_with(kByteOrderMark)) {
      window_.erase(0, kByteOrderMark.size());
      base_ += kByteOrderMark.size();
    }
    const std::string_view head = std::string_view(window_).substr(0, kHeadBytes);
    auto stream = std::make_shared<Stream>(*stream_);
    stream->beginning = ToHex(Sha256::Of(ByteView::Of(head)));
    stream_ = std::move(stream);
    structured_ = IsStructured(head);
  }

  void Report(DiagnosticCode code, size_t position, std::string detail) {
    ++counts_.damaged;
    diagnostics_.Report(code, stream_->evidence, std::move(detail), base_ + position);
  }

  // --- JSON ---

  size_t CutJson(RecordBatch& batch) {
    size_t position = 0;
    for (;;) {
      const JsonCutter::Step step = cutter_.Next(window_, position, last_);
      switch (step.kind) {
        case JsonCutter::Kind::kEnd: return window_.size();
        case JsonCutter::Kind::kNeedMore: return step.begin;
        case JsonCutter::Kind::kDamaged:
          Report(DiagnosticCode::kLogRecordDamaged, step.begin,
                 fmt::format("{} bytes that are no JSON", step.size));
          break;
        case JsonCutter::Kind::kTooLong:
          Report(DiagnosticCode::kLogRecordTooLong, step.begin,
                 fmt::format("more than {} bytes", limits::kMaxRecordBytes));
          break;
        case JsonCutter::Kind::kRecord:
          if (cutter_.head() != head_) NewHead(batch);
          batch.parts.push_back(
              {step.begin, step.size, base_ + step.begin, batch.streams.size() - 1});
          break;
      }
      position = step.begin + step.size;
    }
  }

  void NewHead(RecordBatch& batch) {
    head_ = cutter_.head();
    auto stream = std::make_shared<Stream>(*stream_);
    if (std::string group = HeadMember(head_, "logGroup"); !group.empty()) {
      stream->log_group = std::move(group);
      stream->log_stream = HeadMember(head_, "logStream");
      stream->defaults[event::Text::kAccountId] = HeadMember(head_, "owner");
    }
    FillFromPath(*stream);
    stream_ = std::move(stream);
    batch.streams.push_back(stream_);
  }

  // --- lines ---

  size_t CutLines(RecordBatch& batch) {
    size_t record = 0;  // where the record begins that is being gathered
    size_t line = 0;
    bool gathering = false;
    const auto flush = [&](size_t end) {
      if (gathering) Add(batch, record, end);
      gathering = false;
    };
    for (;;) {
      if (skipping_line_) {
        const size_t newline = window_.find('\n', line);
        if (newline == std::string::npos) return window_.size();
        skipping_line_ = false;
        line = record = newline + 1;
      }
      size_t newline = window_.find('\n', line);
      if (newline == std::string::npos) {
        if (!last_) {
          if (window_.size() - record <= limits::kMaxRecordBytes) {
            // The line is not whole. What was gathered before it may go on in it.
            return gathering ? record : line;
          }
          flush(line);
          Report(DiagnosticCode::kLogRecordTooLong, line,
                 fmt::format("a line of more than {} bytes", limits::kMaxRecordBytes));
          skipping_line_ = true;
          return window_.size();
        }
        if (line == window_.size()) {
          flush(record_end_);
          return window_.size();
        }
        newline = window_.size();
      }
      std::string_view text(window_.data() + line, newline - line);
      if (text.ends_with('\r')) text.remove_suffix(1);
      const size_t next = std::min(newline + 1, window_.size());
      if (text.size() > limits::kMaxRecordBytes) {
        flush(line);
        Report(DiagnosticCode::kLogRecordTooLong, line,
               fmt::format("a line of {} bytes", text.size()));
      } else if (framing_ == Framing::kLine && sniffed_lines_ >= kLinesSniffed) {
        if (!text.empty()) Add(batch, line, line + text.size());
      } else if (!gathering) {
        if (!text.empty() && !ChooseFraming(text, batch)) {
          record = line;
          gathering = true;
          quotes_open_ = framing_ == Framing::kCsv && HasOddQuotes(text);
        }
      } else if (!Continues(std::string_view(window_.data() + record, record_end_ - record),
                            text)) {
        flush(record_end_);
        if (!text.empty()) {
          record = line;
          gathering = true;
          quotes_open_ = framing_ == Framing::kCsv && HasOddQuotes(text);
        }
      }
      record_end_ = line + text.size();
      if (gathering && framing_ == Framing::kLine) flush(record_end_);
      if (gathering && record_end_ - record > limits::kMaxRecordBytes) flush(record_end_);
      line = next;
    }
  }

  void Add(RecordBatch& batch, size_t begin, size_t end) {
    batch.parts.push_back({begin, end - begin, base_ + begin, batch.streams.size() - 1});
  }

  // Looks at a first line to learn how this stream's lines belong together. True when the line is a
  // header and no record.
  bool ChooseFraming(std::string_view line, RecordBatch& batch) {
    if (chosen_ || sniffed_lines_ >= kLinesSniffed) return false;
    ++sniffed_lines_;
    if (IsInsightsHeader(line)) {
      framing_ = Framing::kCsv;
      return SetHeader(line, batch);
    }
    const Format* best = nullptr;
    Match best_match = Match::kNo;
    for (const Format* format : Formats()) {
      const Match match = format->Sniff(line);
      if (match > best_match) {
        best = format;
        best_match = match;
        if (match == Match::kYes) break;
      }
    }
    if (best_match != Match::kYes && ParseTextPrefix(line)) {
      framing_ = Framing::kPrefixed;
      chosen_ = true;
      return false;
    }
    if (best == nullptr) return false;
    chosen_ = best_match == Match::kYes;
    if (chosen_) sniffed_lines_ = kLinesSniffed;
    format_ = best;
    framing_ = best->spans_lines() ? Framing::kFormat : Framing::kLine;
    return best->IsHeader(line) && SetHeader(line, batch);
  }

  bool SetHeader(std::string_view line, RecordBatch& batch) {
    chosen_ = true;
    ++counts_.skipped;
    auto stream = std::make_shared<Stream>(*stream_);
    stream->header = line;
    stream_ = std::move(stream);
    batch.streams.push_back(stream_);
    return true;
  }

  bool Continues(std::string_view record, std::string_view line) {
    switch (framing_) {
      case Framing::kPrefixed: return !ParseTextPrefix(line);
      case Framing::kCsv: {
        const bool open = quotes_open_;
        quotes_open_ = open != HasOddQuotes(line);
        return open;
      }
      case Framing::kFormat: return format_->Continues(record, line);
      case Framing::kLine: return false;
    }
    return false;
  }

  Input& input_;
  std::shared_ptr<const Stream> stream_;
  DiagnosticSink& diagnostics_;
  ReaderCounts counts_;
  std::string window_;
  std::string rest_;   // of the last window, not cut yet
  uint64_t base_ = 0;  // offset of the window in the stream
  size_t wanted_ = limits::kMaxBatchBytes;
  bool started_ = false;
  bool last_ = false;
  bool done_ = false;
  bool structured_ = false;
  JsonCutter cutter_;
  std::string head_;
  Framing framing_ = Framing::kLine;
  const Format* format_ = nullptr;
  bool chosen_ = false;
  int sniffed_lines_ = 0;
  bool skipping_line_ = false;
  size_t record_end_ = 0;     // end of the last line gathered, without its newline
  bool quotes_open_ = false;  // CSV: the line gathered last ends inside of quotes
};

RecordReader::RecordReader(Input& input, Stream stream, DiagnosticSink& diagnostics)
    : implementation_(std::make_unique<Implementation>(input, std::move(stream), diagnostics)) {}
RecordReader::~RecordReader() = default;

Result<bool> RecordReader::Next(RecordBatch& batch) { return implementation_->Next(batch); }
const ReaderCounts& RecordReader::counts() const { return implementation_->counts(); }

}  // namespace ekshume::log
