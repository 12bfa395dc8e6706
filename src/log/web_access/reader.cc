// SPDX-License-Identifier: Apache-2.0
#include "log/web_access/reader.h"

#include "log/fields.h"
#include "log/web_access/line.h"

namespace ekshume::log::web_access {
namespace {

using event::Event;
using event::Number;
using event::Text;

Kind ParseAny(std::string_view line, Request& request) {
  if (line.empty() || line.front() == '{') return Kind::kOther;
  const Kind kind = ParseLoadBalancer(line, request);
  if (kind != Kind::kOther) return kind;
  request = {};
  return ParseCommonLog(line, request);
}

// "203.0.113.7 asked GET /path: 200"
void FillMessage(Event& event) {
  std::string& message = event[Text::kMessage];
  message = event[Text::kSourceIp];
  if (!event[Text::kUserName].empty()) {
    message += " (";
    message += event[Text::kUserName];
    message += ')';
  }
  message += event[Text::kAction] == "connect" ? " connected to " : " asked ";
  if (event[Text::kAction] != "connect") {
    message += event[Text::kAction];
    message += ' ';
  }
  message += event[Text::kObjectName];
  if (!event[Number::kStatusCode]) return;
  message += ": ";
  message += std::to_string(*event[Number::kStatusCode]);
}

void Fill(const Request& request, Event& event) {
  event.time = request.time;
  event[Text::kTimeKind] = "Event Time";
  event[Text::kSourceIp] = request.client;
  event[Number::kSourcePort] = ParseInteger(request.client_port);
  event[Text::kDestinationIp] = request.target;
  event[Number::kDestinationPort] = ParseInteger(request.target_port);
  event[Text::kUserName] = request.user;
  event[Text::kUserAgent] = request.user_agent;
  std::string_view rest = request.request;
  event[Text::kAction] = TakeWord(rest);
  event[Text::kObjectKind] = "url";
  event[Text::kObjectName] = TakeWord(rest);
  if (request.request.empty() && request.status.empty()) {
    event[Text::kAction] = "connect";
    event[Text::kObjectKind] = "balancer";
    event[Text::kObjectName] = request.balancer;
  }
  event[Number::kStatusCode] = ParseInteger(request.status);
  event[Number::kSize] = ParseInteger(request.bytes_sent);
  if (event[Number::kSize].value_or(0) < 0) event[Number::kSize].reset();  // nothing was sent
  const int64_t status = event[Number::kStatusCode].value_or(0);
  event[Text::kOutcome] = status >= 400 ? "failure" : status > 0 ? "success" : "unknown";
  AddTag(event, "balancer", request.balancer);
  AddTag(event, "referer", request.referer);
  AddTag(event, "received", request.bytes_received);
  FillMessage(event);
}

class WebAccess final : public Format {
 public:
  std::string_view name() const override { return "web_access"; }
  std::string_view description() const override {
    return "Access logs of web servers (Common, Combined) and of AWS load balancers";
  }

  Match Sniff(std::string_view record) const override {
    Request request;
    return ParseAny(record, request) == Kind::kOther ? Match::kNo : Match::kYes;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    Request request;
    const Kind kind = ParseAny(record.bytes, request);
    if (kind != Kind::kRequest) {
      return kind == Kind::kDamaged ? Outcome::kDamaged : Outcome::kNotMine;
    }
    Fill(request, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& WebAccessFormat() {
  static const WebAccess format;
  return format;
}

}  // namespace ekshume::log::web_access
