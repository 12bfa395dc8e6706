// SPDX-License-Identifier: Apache-2.0
#include "log/authenticator/reader.h"

#include "log/fields.h"
#include "log/logfmt.h"

namespace ekshume::log::authenticator {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr std::string_view kGranted = "access granted";
constexpr std::string_view kDenied = "access denied";
constexpr std::string_view kStsResponse = "STS response";

struct Login {
  std::string msg;
  std::string groups;
  std::string session;
  bool has_time = false;
  bool has_level = false;
};

// "aws-iam-authenticator:123456789012:AROAEXAMPLE"; before 2021 "heptio-authenticator-aws:...".
void TakeUid(std::string_view uid, Event& event) {
  AddTag(event, "principal_id", AfterLast(uid, ':'));
  const size_t first = uid.find(':');
  const size_t last = uid.rfind(':');
  if (first != std::string_view::npos && first < last) {
    SetIfEmpty(event[Text::kAccountId], uid.substr(first + 1, last - first - 1));
  }
}

// "127.0.0.1:38940". The address of the API server's own host says nothing about the client.
void TakeClient(std::string_view client, Event& event) {
  const size_t colon = client.rfind(':');
  if (colon == std::string_view::npos) return;
  event[Number::kSourcePort] = ParseInteger(client.substr(colon + 1));
  std::string_view address = client.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  if (address != "127.0.0.1" && address != "::1") event[Text::kSourceIp] = address;
}

// "arn:aws:sts::123456789012:assumed-role/Role/session"
std::string_view AccountOf(std::string_view arn) {
  for (int i = 0; i < 4; ++i) {
    const size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

void TakeValue(std::string_view key, std::string_view value, Event& event, Login& login) {
  if (key == "time") {
    login.has_time = true;
    event.time = ParseTimestamp(value);
  } else if (key == "level") {
    login.has_level = true;
    event[Text::kSeverity] = value;
  } else if (key == "msg") {
    login.msg = value;
  } else if (key == "arn") {
    event[Text::kUserArn] = value;
  } else if (key == "username") {
    event[Text::kUserName] = value;
  } else if (key == "accesskeyid") {
    event[Text::kAccessKeyId] = value;
  } else if (key == "accountid") {
    event[Text::kAccountId] = value;
  } else if (key == "uid") {
    TakeUid(value, event);
  } else if (key == "userid") {
    AddTag(event, "principal_id", value);
  } else if (key == "session") {
    login.session = value;
  } else if (key == "groups") {
    login.groups = value;
  } else if (key == "client") {
    TakeClient(value, event);
  } else if (key == "error") {
    event[Text::kError] = value;
  } else if (key == "stsendpoint" || key == "sts") {
    AddTag(event, "sts", value);
  }
}

// "[system:masters developers]"
void AddGroups(std::string_view groups, Event& event) {
  if (groups.starts_with('[') && groups.ends_with(']'))
    groups = groups.substr(1, groups.size() - 2);
  while (!groups.empty()) AddTag(event, "group", TakeWord(groups));
}

void SayGranted(const Login& login, const Event& event, std::string& message) {
  message += event[Text::kUserArn];
  message += " was let in as ";
  message += event[Text::kUserName];
  if (login.groups.size() > 2) {
    message += " with the groups ";
    message += login.groups;
  }
}

void SayDenied(const Event& event, std::string& message) {
  message += event[Text::kUserArn].empty() ? std::string_view("somebody")
                                           : std::string_view(event[Text::kUserArn]);
  message += " was not let in";
  if (event[Text::kError].empty()) return;
  message += ": ";
  message += event[Text::kError];
}

void SayResponse(const Login& login, const Event& event, std::string& message) {
  message += "STS says that the token is of ";
  message += event[Text::kUserArn];
  if (!event[Text::kAccessKeyId].empty()) {
    message += ", access key ";
    message += event[Text::kAccessKeyId];
  }
  if (!login.session.empty()) {
    message += ", session ";
    message += login.session;
  }
}

void Conclude(const Login& login, Event& event) {
  std::string& message = event[Text::kMessage];
  if (login.msg == kGranted) {
    event[Text::kAction] = kGranted;
    event[Text::kOutcome] = "success";
    SayGranted(login, event, message);
  } else if (login.msg == kDenied) {
    event[Text::kAction] = kDenied;
    event[Text::kOutcome] = "failure";
    SayDenied(event, message);
  } else if (login.msg == kStsResponse) {
    event[Text::kAction] = kStsResponse;
    event[Text::kOutcome] = "success";
    SayResponse(login, event, message);
  } else {
    message = login.msg;
    if (!event[Text::kError].empty()) {
      event[Text::kOutcome] = "failure";
      message += message.empty() ? "" : ": ";
      message += event[Text::kError];
    }
  }
}

class Reader final : public Format {
 public:
  std::string_view name() const override { return "authenticator"; }
  std::string_view description() const override {
    return "aws-iam-authenticator's log (EKS): which IAM identity became which Kubernetes user";
  }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with("time=") || record.find(" level=") == std::string_view::npos) {
      return Match::kNo;
    }
    for (const std::string_view sign :
         {"path=/authenticate", "msg=\"STS response\"", "msg=\"access granted\"",
          "msg=\"access denied\"", "aws-iam-authenticator", "aws-auth", " stsendpoint="}) {
      if (record.find(sign) != std::string_view::npos) return Match::kYes;
    }
    return Match::kMaybe;  // any program's that logs with logrus
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    Login login;
    const bool whole = ForEachField(
        record.bytes,
        [&](std::string_view key, std::string_view value) { TakeValue(key, value, event, login); });
    const bool known = Sniff(record.bytes) == Match::kYes;
    if (!whole) return known ? Outcome::kDamaged : Outcome::kNotMine;
    if (!login.has_time || !login.has_level) return Outcome::kNotMine;
    if (!known && !record.stream->log_stream.starts_with("authenticator-"))
      return Outcome::kNotMine;
    event[Text::kTimeKind] = "Event Time";
    SetIfEmpty(event[Text::kAccountId], AccountOf(event[Text::kUserArn]));
    AddTag(event, "session", login.session);
    AddGroups(login.groups, event);
    Conclude(login, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& AuthenticatorFormat() {
  static const Reader reader;
  return reader;
}

}  // namespace ekshume::log::authenticator
