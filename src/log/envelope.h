// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/format.h"

namespace ekshume::log {

// What services and shippers put around records.
enum class EnvelopeKind {
  kNone,
  kArray,         // {"Records": [...]} inside a record: its elements are the records
  kBase64Gzip,    // {"awslogs": {"data": ...}}, or a bare line of it
  kLookupEvent,   // {"CloudTrailEvent": "..."}
  kEventBridge,   // {"detail-type": ..., "detail": {...}}
  kCloudWatch,    // {"timestamp": ..., "message": "..."} of filter-log-events and subscriptions
  kShipper,       // Fluent Bit, Vector: {"log": "...", "kubernetes": {...}}
  kNotification,  // SNS {"Type":"Notification","Message":...}, SQS {"messageId":...,"body":...}
  kAzure,         // {"category":"kube-audit","properties":{"log":...}}
  kInsightsRow,   // [{"field":"@message","value":...}, ...]
};

// An envelope taken apart.
struct Envelope {
  EnvelopeKind kind = EnvelopeKind::kNone;
  std::string content;  // what is inside: a record, or (kArray) nothing
  std::optional<Timestamp> time;
  std::string log_group;
  std::string log_stream;
  std::string account_id;
  std::string region;
  std::string name;        // EventBridge's detail-type
  std::string kubernetes;  // JSON of the shipper's metadata
};

// Takes one layer off a JSON record (padded, as all records are). kNone when it is no envelope or
// broken.
void OpenEnvelope(const Record& record, Envelope& envelope);

// Decodes base64 of gzip. Nothing when it is not that, or too large.
std::optional<std::string> DecodeBase64Gzip(std::string_view text, const std::string& evidence,
                                            DiagnosticSink& diagnostics);
// Whether a line may be that: gzip's first bytes in base64.
bool IsBase64Gzip(std::string_view line);

// The fields of one row of CSV, unquoted.
std::vector<std::string> CsvFields(std::string_view row);

// Fills the pod, container, node and image that a shipper's metadata name.
void FillFromKubernetesMetadata(std::string_view json, event::Event& event);

// Milliseconds since the epoch.
Timestamp FromMilliseconds(int64_t milliseconds);
// Milliseconds as a number, RFC 3339, or Insights' `YYYY-MM-DD HH:MM:SS.mmm`.
std::optional<Timestamp> ParseCarrierTime(std::string_view text);

}  // namespace ekshume::log
