// SPDX-License-Identifier: Apache-2.0
#include "log/envelope.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/byte_view.h"
#include "base/limits.h"
#include "log/carrier/compressed.h"
#include "log/carrier/records.h"
#include "log/json.h"

namespace ekshume::log {
namespace {

using event::Text;

constexpr std::string_view kGzipInBase64 = "H4sI";

bool IsString(JsonValue value) {
  simdjson::ondemand::json_type type;
  return value.type().get(type) == simdjson::SUCCESS &&
         type == simdjson::ondemand::json_type::string;
}
bool IsArray(JsonValue value) {
  simdjson::ondemand::json_type type;
  return value.type().get(type) == simdjson::SUCCESS &&
         type == simdjson::ondemand::json_type::array;
}
bool IsObject(JsonValue value) {
  simdjson::ondemand::json_type type;
  return value.type().get(type) == simdjson::SUCCESS &&
         type == simdjson::ondemand::json_type::object;
}

// The members of a record that may make it an envelope.
struct Members {
  std::string message, log, lookup_event, detail, detail_type, data, body, sns_message, time,
      timestamp, properties, category;
  bool has_message = false, has_log = false, array = false, cloudwatch = false, shipper = false,
       notification = false, queue = false;
};

void OpenRow(const Record& record, Envelope& envelope) {
  simdjson::ondemand::document document;
  if (ThreadJsonParser()
          .iterate(record.bytes.data(), record.bytes.size(), record.bytes.size() + kRecordPadding)
          .get(document) != simdjson::SUCCESS) {
    return;
  }
  simdjson::ondemand::array fields;
  if (document.get_array().get(fields) != simdjson::SUCCESS) return;
  bool any = false;
  for (auto element : fields) {
    JsonValue value;
    if (element.get(value) != simdjson::SUCCESS) return;
    std::string name;
    std::string text;
    const bool whole = ForEachMember(value, [&](std::string_view key, JsonValue inner) {
      if (key == "field") JsonText(inner, name);
      if (key == "value") JsonText(inner, text);
    });
    if (!whole || name.empty()) return;
    if (name == "@message") {
      any = true;
      envelope.content = text;
    } else if (name == "@timestamp") {
      envelope.time = ParseCarrierTime(text);
    } else if (name == "@logStream") {
      envelope.log_stream = text;
    } else if (name == "@log") {
      envelope.log_group = text.substr(text.find(':') + 1);
    }
  }
  if (any) envelope.kind = EnvelopeKind::kInsightsRow;
}

void Read(const Record& record, Members& members, Envelope& envelope) {
  static_cast<void>(ForEachMember(record, [&](std::string_view key, JsonValue value) {
    if (key == "message" || key == "@message") {
      members.has_message = IsString(value) && JsonText(value, members.message);
    } else if (key == "timestamp" || key == "@timestamp") {
      JsonText(value, members.timestamp);
      if (key.front() == '@') members.shipper = true;
    } else if (key == "logStreamName" || key == "logStream") {
      JsonText(value, envelope.log_stream);
      members.cloudwatch = true;
    } else if (key == "logGroup" || key == "logGroupName") {
      JsonText(value, envelope.log_group);
    } else if (key == "eventId" || key == "ingestionTime" || key == "id") {
      members.cloudwatch = true;
      if (key == "id" && IsString(value)) JsonText(value, envelope.name);
    } else if (key == "log") {
      members.has_log = IsString(value) && JsonText(value, members.log);
    } else if (key == "kubernetes") {
      if (IsObject(value)) {
        JsonRaw(value, envelope.kubernetes);
        members.shipper = true;
      }
    } else if (key == "source_type" || key == "date") {
      members.shipper = true;
    } else if (key == "CloudTrailEvent") {
      if (IsString(value)) JsonText(value, members.lookup_event);
    } else if (key == "detail-type") {
      JsonText(value, members.detail_type);
    } else if (key == "detail") {
      if (IsObject(value)) JsonRaw(value, members.detail);
    } else if (key == "account") {
      JsonText(value, envelope.account_id);
    } else if (key == "region") {
      JsonText(value, envelope.region);
    } else if (key == "time") {
      JsonText(value, members.time);
    } else if (key == "awslogs") {
      ForEachMember(value, [&](std::string_view inner, JsonValue data) {
        if (inner == "data") JsonText(data, members.data);
      });
    } else if (key == "Type") {
      std::string text;
      JsonText(value, text);
      members.notification = text == "Notification";
    } else if (key == "Message") {
      if (IsString(value)) JsonText(value, members.sns_message);
    } else if (key == "messageId" || key == "receiptHandle") {
      members.queue = true;
    } else if (key == "body") {
      if (IsString(value)) JsonText(value, members.body);
    } else if (key == "category") {
      JsonText(value, members.category);
    } else if (key == "properties") {
      ForEachMember(value, [&](std::string_view inner, JsonValue log) {
        if (inner == "log") JsonText(log, members.properties);
      });
    } else if (IsEnvelopeKey(key)) {
      members.array = members.array || IsArray(value);
    }
  }));
}

}  // namespace

void OpenEnvelope(const Record& record, Envelope& envelope) {
  envelope = Envelope();
  if (record.bytes.starts_with('[')) {
    OpenRow(record, envelope);
    if (envelope.kind == EnvelopeKind::kNone) envelope.kind = EnvelopeKind::kArray;
    return;
  }
  Members members;
  Read(record, members, envelope);
  const auto set = [&](EnvelopeKind kind, std::string& content, std::string_view time) {
    envelope.kind = kind;
    envelope.content = std::move(content);
    envelope.time = ParseCarrierTime(time);
  };
  if (members.array) {
    envelope.kind = EnvelopeKind::kArray;
  } else if (!members.data.empty()) {
    set(EnvelopeKind::kBase64Gzip, members.data, {});
  } else if (!members.lookup_event.empty()) {
    set(EnvelopeKind::kLookupEvent, members.lookup_event, {});
  } else if (!members.detail_type.empty() && !members.detail.empty()) {
    envelope.name = std::move(members.detail_type);
    set(EnvelopeKind::kEventBridge, members.detail, members.time);
  } else if (members.notification && !members.sns_message.empty()) {
    set(EnvelopeKind::kNotification, members.sns_message, members.timestamp);
  } else if (members.queue && !members.body.empty()) {
    set(EnvelopeKind::kNotification, members.body, {});
  } else if (members.category.starts_with("kube-") && !members.properties.empty()) {
    set(EnvelopeKind::kAzure, members.properties, members.time);
  } else if (members.has_message && members.cloudwatch && !members.timestamp.empty() &&
             std::ranges::all_of(members.timestamp, [](char c) { return c >= '0' && c <= '9'; })) {
    set(EnvelopeKind::kCloudWatch, members.message, members.timestamp);
  } else if (members.shipper && (members.has_log || members.has_message)) {
    set(EnvelopeKind::kShipper, members.has_log ? members.log : members.message,
        members.timestamp.empty() ? members.time : members.timestamp);
    while (envelope.content.ends_with('\n')) envelope.content.pop_back();
  }
}

bool IsBase64Gzip(std::string_view line) {
  return line.size() > 40 && line.starts_with(kGzipInBase64) &&
         line.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
             std::string_view::npos;
}

std::optional<std::string> DecodeBase64Gzip(std::string_view text, const std::string& evidence,
                                            DiagnosticSink& diagnostics) {
  if (text.size() > limits::kMaxRecordBytes) return std::nullopt;
  const std::optional<std::string> packed = DecodeBase64(text);
  if (!packed) return std::nullopt;
  MemoryInput input(*packed);
  const std::unique_ptr<Input> content = Gunzip(input, evidence, diagnostics);
  std::string out;
  std::string block(size_t{64} << 10, '\0');
  while (out.size() <= limits::kMaxRecordBytes) {
    const Result<size_t> got = content->Read(block);
    if (!got) return std::nullopt;
    if (*got == 0) return out;
    out.append(block, 0, *got);
  }
  return std::nullopt;
}

std::vector<std::string> CsvFields(std::string_view row) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    if (c == '"') {
      if (quoted && i + 1 < row.size() && row[i + 1] == '"') {
        fields.back() += '"';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

void FillFromKubernetesMetadata(std::string_view json, event::Event& event) {
  const std::string padded = std::string(json) + std::string(kRecordPadding, '\0');
  const Record record{std::string_view(padded).substr(0, json.size()), {}, nullptr};
  static_cast<void>(ForEachMember(record, [&](std::string_view key, JsonValue value) {
    if (key == "pod_name") JsonText(value, event[Text::kPod]);
    if (key == "namespace_name" || key == "pod_namespace") JsonText(value, event[Text::kNamespace]);
    if (key == "pod_id" || key == "pod_uid") JsonText(value, event[Text::kPodUid]);
    if (key == "container_name") JsonText(value, event[Text::kContainer]);
    if (key == "docker_id" || key == "container_id") JsonText(value, event[Text::kContainerId]);
    if (key == "container_image") JsonText(value, event[Text::kImage]);
    if (key == "host" || key == "pod_node_name") JsonText(value, event[Text::kNode]);
  }));
  std::string& id = event[Text::kContainerId];
  if (const size_t scheme = id.find("://"); scheme != std::string::npos) id.erase(0, scheme + 3);
}

Timestamp FromMilliseconds(int64_t milliseconds) {
  int64_t seconds = milliseconds / 1000;
  int64_t rest = milliseconds % 1000;
  if (rest < 0) {
    rest += 1000;
    --seconds;
  }
  return {seconds, static_cast<uint32_t>(rest * 1000000)};
}

std::optional<Timestamp> ParseCarrierTime(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return FromMilliseconds(number);
  if (text.size() >= 19 && text[10] == ' ') {
    std::string copy(text);
    copy[10] = 'T';
    if (!copy.ends_with('Z')) copy += 'Z';
    return ParseTimestamp(copy);
  }
  return ParseTimestamp(text);
}

}  // namespace ekshume::log
