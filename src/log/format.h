// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "base/time.h"
#include "event/event.h"

// What a log format is: a registry entry that knows its records by their content and turns each
// into events. Carriers (log/carrier/) have taken the wrapping off by then.
namespace ekshume::log {

// What is known of a stream of records from where it was found: a file's path, a CloudWatch
// envelope, the pod that a log folder belongs to. Empty means unknown. Readers use it for what
// their records do not say themselves; the columns of `defaults` that an event leaves empty are
// filled in afterwards.
struct Stream {
  std::string evidence;   // the item: "logs.tar!audit.json.gz"; for diagnostics
  std::string path;       // of the file as found, the last part of `evidence` or a path on the node
  std::string log_group;  // CloudWatch
  std::string log_stream;
  // The newest moment that the records can be of (a file's modification time): gives the year to
  // formats that write none.
  std::optional<Timestamp> written;
  // SHA-256 of its first 64 KiB, the same in any wrapping; empty when not known. With the place of
  // a record and its bytes it is the identity of records that have none of their own.
  std::string beginning;
  // The first line, when the format says that it is a header (VPC flow, CSV).
  std::string header;
  event::Event defaults;  // account, region, cluster, node, namespace, pod, container, ...
};

// One record as found: a JSON value, or a line (or the lines that belong together) without the
// final newline. At least kRecordPadding readable bytes follow it, which simdjson needs.
struct Record {
  std::string_view bytes;
  // When the carrier says that it happened (a CloudWatch event's timestamp, the time that an export
  // writes before each line). Readers prefer the record's own time.
  std::optional<Timestamp> carrier_time;
  const Stream* stream = nullptr;  // never null
};
inline constexpr size_t kRecordPadding = 64;

enum class Outcome : uint8_t {
  kEvents,   // read: events were added (none, when the record says nothing that happened)
  kSkipped,  // known, and of no interest by its own nature (a control message)
  kNotMine,  // not of this format
  // Of this format, and broken; nothing was added. The caller mends JSON (closes what was cut off,
  // replaces bytes that are not UTF-8) and asks again; what cannot be mended it reports and counts.
  kDamaged,
};

// How well a record fits.
enum class Match : uint8_t {
  kNo,
  kMaybe,  // fits what many things look like; another format may know better
  kYes,
};

// One log format. Stateless: any number of threads call it at once.
class Format {
 public:
  virtual ~Format() = default;

  virtual std::string_view name() const = 0;         // "k8s_audit"; the events' column `source`
  virtual std::string_view description() const = 0;  // one line for the docs and `--help`

  // Looks at content only, and only at the beginning of long records. Cheap: it is asked for each
  // record of a stream whose format is not known yet.
  virtual Match Sniff(std::string_view record) const = 0;

  // Text formats: whether `line` belongs to the record gathered so far (a continuation, the next
  // part of a split line). Called for each line only when spans_lines() is true.
  virtual bool spans_lines() const { return false; }
  virtual bool Continues(std::string_view record, std::string_view line) const {
    static_cast<void>(record);
    static_cast<void>(line);
    return false;
  }

  // Whether a stream's first record is a header: it is then kept as Stream::header for all the
  // others, and never given to Parse().
  virtual bool IsHeader(std::string_view record) const {
    static_cast<void>(record);
    return false;
  }

  // Reads one record. `event` is cleared scratch: fill it, Add() it, which clears it.
  // The caller fills in the column `source` and, where the event leaves them empty, the columns of
  // `record.stream->defaults`, the carrier's time and the raw record. Diagnostics only for what the
  // outcome does not say, with `record.stream->evidence`.
  virtual Outcome Parse(const Record& record, event::Event& event, event::Sink& sink,
                        DiagnosticSink& diagnostics) const = 0;
};

// All formats in the order in which they are asked: log/registry.cc.
std::span<const Format* const> Formats();
// The format of that name; null when there is none.
const Format* FindFormat(std::string_view name);

}  // namespace ekshume::log
