// SPDX-License-Identifier: Apache-2.0
#include "log/s3_access/reader.h"

#include <algorithm>

#include "base/hex.h"
#include "log/fields.h"
#include "log/text_time.h"

namespace ekshume::log::s3_access {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr size_t kOwnerBytes = 64;  // a canonical user id
constexpr size_t kTimeBytes = 26;

// The fields of a line under S3's names; "-" is kept.
struct Request {
  std::string_view bucket_owner, bucket, time, remote_ip, requester, request_id, operation, key;
  std::string_view request_uri, status, error_code, bytes_sent, object_size, total_time;
  std::string_view turn_around_time, referer, user_agent, version_id, host_id, signature_version;
  std::string_view cipher_suite, authentication_type, host_header, tls_version;
};

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsStatus(std::string_view text) {
  return text == "-" || (text.size() == 3 && ParseInteger(text).value_or(0) >= 100);
}

// The request-URI ends at the first quote that a status follows.
std::optional<std::string_view> TakeRequestUri(std::string_view& rest) {
  if (rest.starts_with("- ")) return TakeWord(rest);
  if (!rest.starts_with('"')) return std::nullopt;
  for (size_t at = rest.find("\" ", 1); at != std::string_view::npos;
       at = rest.find("\" ", at + 1)) {
    std::string_view after = rest.substr(at + 2);
    if (!IsStatus(TakeWord(after))) continue;
    const std::string_view uri = rest.substr(1, at - 1);
    rest.remove_prefix(at + 2);
    return uri;
  }
  return std::nullopt;
}

// Referer and user agent: nothing behind them has quotes, so the last quote of the line ends the
// user agent.
bool TakeQuoted(std::string_view& rest, Request& request) {
  if (rest.starts_with("- ")) {
    request.referer = TakeWord(rest);
  } else {
    const size_t end = rest.starts_with('"') ? rest.find("\" ", 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    request.referer = rest.substr(1, end - 1);
    rest.remove_prefix(end + 2);
  }
  if (rest == "-" || rest.starts_with("- ")) {
    request.user_agent = TakeWord(rest);
    return true;
  }
  const size_t last = rest.rfind('"');
  if (!rest.starts_with('"') || last == 0) return false;
  request.user_agent = rest.substr(1, last - 1);
  rest.remove_prefix(last + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return true;
}

// False when the line is not whole. Fields after the user agent may be missing: they were added
// over the years.
bool Split(std::string_view line, Request& request) {
  request.bucket_owner = TakeWord(line);
  request.bucket = TakeWord(line);
  if (line.size() < kTimeBytes + 2 || line.front() != '[' || line[kTimeBytes + 1] != ']') {
    return false;
  }
  request.time = line.substr(1, kTimeBytes);
  line.remove_prefix(std::min(kTimeBytes + 3, line.size()));
  for (std::string_view* field : {&request.remote_ip, &request.requester, &request.request_id,
                                  &request.operation, &request.key}) {
    *field = TakeWord(line);
  }
  const std::optional<std::string_view> uri = TakeRequestUri(line);
  if (!uri) return false;
  request.request_uri = *uri;
  for (std::string_view* field :
       {&request.status, &request.error_code, &request.bytes_sent, &request.object_size,
        &request.total_time, &request.turn_around_time}) {
    *field = TakeWord(line);
  }
  if (!TakeQuoted(line, request)) return false;
  for (std::string_view* field :
       {&request.version_id, &request.host_id, &request.signature_version, &request.cipher_suite,
        &request.authentication_type, &request.host_header, &request.tls_version}) {
    *field = TakeWord(line);
  }
  return true;
}

std::string PercentDecoded(std::string_view text, int from) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0 && high * 16 + low >= from) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Keys are percent-encoded, what is not ASCII twice.
std::string KeyOf(std::string_view key) {
  constexpr int kNotAscii = 0x80;
  return PercentDecoded(PercentDecoded(key, 0), kNotAscii);
}

std::string_view Said(std::string_view field) { return field == "-" ? std::string_view() : field; }

// A canonical user id, an ARN, a service ("svc:delivery.logs.amazonaws.com"), or nobody.
void FillRequester(const Request& request, Event& event) {
  if (request.requester == "-") {
    event[Text::kUserName] = "anonymous";
    event.AddTag("anonymous");
    return;
  }
  event[Text::kUserName] = request.requester;
  if (!request.requester.starts_with("arn:")) return;
  event[Text::kUserArn] = request.requester;
  event[Text::kUserName] = AfterLast(request.requester, '/');
  std::string_view rest = request.requester;  // arn:partition:service:region:account:...
  for (int i = 0; i < 4 && !rest.empty(); ++i) {
    rest.remove_prefix(std::min(rest.find(':'), rest.size() - 1) + 1);
  }
  AddTag(event, "requester_account", rest.substr(0, rest.find(':')));
}

void FillRequest(const Request& request, Event& event) {
  event[Text::kAction] = request.operation;
  event[Text::kObjectKind] = "s3.amazonaws.com";
  event[Text::kObjectName] = request.bucket;
  if (!Said(request.key).empty()) {
    event[Text::kObjectName] += '/';
    event[Text::kObjectName] += KeyOf(request.key);
  }
  event[Text::kSourceIp] = Said(request.remote_ip);
  event[Text::kUserAgent] = Said(request.user_agent);
  event[Number::kStatusCode] = ParseInteger(request.status);
  event[Text::kError] = Said(request.error_code);
  const int64_t status = event[Number::kStatusCode].value_or(0);
  event[Text::kOutcome] = status >= 400 || !event[Text::kError].empty() ? "failure"
                          : status > 0                                  ? "success"
                                                                        : "unknown";
  // What went out; for uploads, what came in.
  event[Number::kSize] = ParseInteger(request.bytes_sent);
  if (!event[Number::kSize]) event[Number::kSize] = ParseInteger(request.object_size);
  constexpr int64_t kMillisecond = 1000000;
  const std::optional<int64_t> total = ParseInteger(request.total_time);
  if (total && *total >= 0 && *total < INT64_MAX / kMillisecond) {
    event[Number::kDurationNs] = *total * kMillisecond;
  }
  AddTag(event, "version", Said(request.version_id));
  AddTag(event, "signature", Said(request.signature_version));
  AddTag(event, "auth", Said(request.authentication_type));
}

// "alice called REST.GET.OBJECT (bucket/key) from 203.0.113.7: 403 AccessDenied"
void FillMessage(const Request& request, Event& event) {
  std::string& message = event[Text::kMessage];
  message = event[Text::kUserName];
  message += " called ";
  message += request.operation;
  message += " (";
  message += event[Text::kObjectName];
  message += ')';
  if (!event[Text::kSourceIp].empty()) {
    message += " from ";
    message += event[Text::kSourceIp];
  }
  if (Said(request.status).empty()) return;
  message += ": ";
  message += request.status;
  if (event[Text::kError].empty()) return;
  message += ' ';
  message += event[Text::kError];
}

class S3Access final : public Format {
 public:
  std::string_view name() const override { return "s3_access"; }
  std::string_view description() const override { return "Amazon S3 server access logs"; }

  Match Sniff(std::string_view record) const override {
    const std::string_view owner = TakeWord(record);
    if (owner.size() != kOwnerBytes || !IsHex(owner)) return Match::kNo;
    TakeWord(record);
    return record.size() > kTimeBytes + 1 && record.front() == '[' &&
                   ParseClfTime(record.substr(1, kTimeBytes))
               ? Match::kYes
               : Match::kNo;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    if (Sniff(record.bytes) != Match::kYes) return Outcome::kNotMine;
    Request request;
    if (!Split(record.bytes, request)) return Outcome::kDamaged;
    event.time = ParseClfTime(request.time);
    event[Text::kTimeKind] = "Event Time";
    if (const std::string_view id = Said(request.request_id); !id.empty()) {
      event[Text::kRecordId] = id;
      // A request to delete many objects has a line for each.
      event.identity = id;
      event.identity += '/';
      event.identity += request.operation;
      event.identity += '/';
      event.identity += request.key;
    }
    FillRequester(request, event);
    FillRequest(request, event);
    FillMessage(request, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& S3AccessFormat() {
  static const S3Access format;
  return format;
}

}  // namespace ekshume::log::s3_access
