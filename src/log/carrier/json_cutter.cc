// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/json_cutter.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "log/carrier/records.h"

namespace ekshume::log {
namespace {

// Members of an envelope before its array are short.
constexpr size_t kMaxHeadBytes = size_t{64} << 10;
constexpr size_t kMaxOpenArrays = 8;

constexpr std::array<std::string_view, 8> kEnvelopeKeys = {
    "Records", "items", "events", "Events", "Findings", "findings", "logEvents", "results"};

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Where the array of an envelope begins: the position behind its bracket. npos: this object is no
// envelope. window.size(): cannot be told without more.
size_t FindEnvelopeArray(std::string_view window, size_t position, bool last) {
  const std::string_view text = window.substr(position, kMaxHeadBytes);
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth <= 0) return std::string_view::npos;
    } else if (c == '"') {
      const size_t begin = i + 1;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
      if (i >= text.size()) break;
      if (depth != 1) continue;
      const std::string_view word = text.substr(begin, i - begin);
      size_t next = i + 1;
      while (next < text.size() && IsSpace(text[next])) ++next;
      if (next >= text.size() || text[next] != ':' || !IsEnvelopeKey(word)) continue;
      ++next;
      while (next < text.size() && IsSpace(text[next])) ++next;
      if (next < text.size() && text[next] == '[') return position + next + 1;
      if (next >= text.size()) break;
    }
  }
  return last || text.size() == kMaxHeadBytes ? std::string_view::npos : window.size();
}

}  // namespace

bool IsEnvelopeKey(std::string_view key) {
  return std::ranges::find(kEnvelopeKeys, key) != kEnvelopeKeys.end();
}

JsonCutter::Step JsonCutter::Damaged(std::string_view window, size_t position) const {
  // On with the next line, or the next object.
  size_t next = window.find_first_of("\n{", position + 1);
  if (next == std::string_view::npos) next = window.size();
  return {Kind::kDamaged, position, next - position};
}

JsonCutter::Step JsonCutter::Value(std::string_view window, size_t position, bool last) {
  if (scanned_ == 0) scan_.Begin();
  const size_t end = scan_.Feed(window.substr(position + scanned_));
  if (end != JsonScan::kOpen) {
    const size_t size = scanned_ + end;
    scanned_ = 0;
    if (size > limits::kMaxRecordBytes) return {Kind::kTooLong, position, size};
    return {Kind::kRecord, position, size};
  }
  scanned_ = window.size() - position;
  if (scanned_ > limits::kMaxRecordBytes) {
    dropping_ = true;
    return {Kind::kTooLong, position, scanned_};
  }
  if (!last) return {Kind::kNeedMore, position, 0};
  scanned_ = 0;
  // It ends in the middle: the caller mends what it can.
  return {Kind::kRecord, position, window.size() - position};
}

JsonCutter::Step JsonCutter::Next(std::string_view window, size_t position, bool last) {
  for (;;) {
    if (skipping_ || dropping_) {
      const size_t end = scan_.Feed(window.substr(position));
      if (end == JsonScan::kOpen) {
        return {last ? Kind::kEnd : Kind::kNeedMore, window.size(), 0};
      }
      position += end;
      skipping_ = dropping_ = false;
      scanned_ = 0;
    }
    while (position < window.size() && (IsSpace(window[position]) || window[position] == ',')) {
      ++position;
    }
    if (position >= window.size()) {
      return {last ? Kind::kEnd : Kind::kNeedMore, window.size(), 0};
    }
    const char c = window[position];
    if (scanned_ > 0) return Value(window, position, last);
    if (c == ']' && !arrays_.empty()) {
      const bool envelope = arrays_.back() == 'E';
      arrays_.pop_back();
      ++position;
      if (envelope) {
        head_.clear();
        scan_.Begin();
        static_cast<void>(scan_.Feed("{"));
        skipping_ = true;
      }
      continue;
    }
    if (c == '[' && (arrays_.empty() || arrays_.back() != 'E')) {
      if (arrays_.size() >= kMaxOpenArrays) return Damaged(window, position);
      arrays_ += '[';
      ++position;
      continue;
    }
    if (c == '[') return Value(window, position, last);
    if (c == '{') {
      if (arrays_.empty() || arrays_.back() != 'E') {
        const size_t array = FindEnvelopeArray(window, position, last);
        if (array == window.size() && !last) return {Kind::kNeedMore, position, 0};
        if (array != std::string_view::npos && array != window.size()) {
          if (arrays_.size() >= kMaxOpenArrays) return Damaged(window, position);
          head_.assign(window.substr(position, array - position));
          arrays_ += 'E';
          position = array;
          continue;
        }
      }
      return Value(window, position, last);
    }
    if (c == '"') {
      for (size_t i = position + 1; i < window.size(); ++i) {
        if (window[i] == '\\') {
          ++i;
        } else if (window[i] == '"') {
          return {Kind::kRecord, position, i + 1 - position};
        }
      }
      if (last) return Damaged(window, position);
      if (window.size() - position > limits::kMaxRecordBytes) {
        return {Kind::kTooLong, position, window.size() - position};
      }
      return {Kind::kNeedMore, position, 0};
    }
    return Damaged(window, position);
  }
}

bool BeginsEnvelope(std::string_view text) {
  return FindEnvelopeArray(text, 0, true) != std::string_view::npos;
}

bool VisitJsonRecords(
    std::string_view text,
    const std::function<void(std::string_view record, std::string_view head)>& visit) {
  JsonCutter cutter;
  bool whole = true;
  for (size_t position = 0;;) {
    const JsonCutter::Step step = cutter.Next(text, position, true);
    if (step.kind == JsonCutter::Kind::kEnd || step.kind == JsonCutter::Kind::kNeedMore) {
      return whole;
    }
    if (step.kind == JsonCutter::Kind::kRecord) {
      visit(text.substr(step.begin, step.size), cutter.head());
    } else {
      whole = false;
    }
    position = step.begin + step.size;
  }
}

}  // namespace ekshume::log
