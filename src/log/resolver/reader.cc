// SPDX-License-Identifier: Apache-2.0
#include "log/resolver/reader.h"

#include "log/fields.h"
#include "log/json.h"

namespace ekshume::log::resolver {
namespace {

using event::Event;
using event::Number;
using event::Text;

constexpr size_t kAnswersKept = 8;  // as tags; the raw record has all

// Views are those of the record being read.
struct Query {
  bool whole = true;
  std::string_view time, name, type, code, instance, vpc, action, answer, domain_list, transport;
  std::string_view answers[kAnswersKept];
  size_t answer_count = 0;
  bool has_source = false;

  void Read(JsonValue value, std::string_view& out) { whole = JsonView(value, out) && whole; }
};

void ReadAnswer(JsonValue value, Query& query) {
  const bool whole = ForEachMember(value, [&](std::string_view key, JsonValue inner) {
    if (key != "Rdata") return;
    std::string_view data;
    query.Read(inner, data);
    if (query.answer_count < kAnswersKept) query.answers[query.answer_count] = data;
    ++query.answer_count;
  });
  query.whole = whole && query.whole;
}

void ReadMember(std::string_view key, JsonValue value, Query& query, Event& event) {
  const auto text = [&](Text column) {
    query.whole = JsonText(value, event[column]) && query.whole;
  };
  if (key == "query_timestamp") return query.Read(value, query.time);
  if (key == "query_name") return query.Read(value, query.name);
  if (key == "query_type") return query.Read(value, query.type);
  if (key == "rcode") return query.Read(value, query.code);
  if (key == "account_id") return text(Text::kAccountId);
  if (key == "region") return text(Text::kRegion);
  if (key == "vpc_id") return query.Read(value, query.vpc);
  if (key == "transport") return query.Read(value, query.transport);
  if (key == "firewall_rule_action") return query.Read(value, query.action);
  if (key == "firewall_domain_list_id") return query.Read(value, query.domain_list);
  if (key == "srcaddr") {
    query.has_source = true;
    return text(Text::kSourceIp);
  }
  if (key == "srcport") {
    event[Number::kSourcePort] = JsonInteger(value);
    return;
  }
  if (key == "answers") {
    const bool whole = ForEachElement(value, [&](JsonValue answer) { ReadAnswer(answer, query); });
    query.whole = whole && query.whole;
    return;
  }
  if (key == "srcids") {
    const bool whole = ForEachMember(value, [&](std::string_view name, JsonValue inner) {
      if (name == "instance") query.Read(inner, query.instance);
    });
    query.whole = whole && query.whole;
  }
}

// "10.0.0.5 (i-0a) asked for example.com (A): 203.0.113.9"
void FillMessage(const Query& query, Event& event) {
  std::string& message = event[Text::kMessage];
  message = event[Text::kSourceIp].empty() ? "Somebody" : event[Text::kSourceIp];
  if (!query.instance.empty()) {
    message += " (";
    message += query.instance;
    message += ')';
  }
  message += " asked for ";
  message += event[Text::kObjectName];
  message += " (";
  message += query.type;
  message += ')';
  const bool failed = event[Text::kOutcome] == "failure";
  if (failed || query.answer_count > 0) message += ": ";
  if (failed) {
    message += event[Text::kError];
    return;
  }
  for (size_t i = 0; i < query.answer_count && i < kAnswersKept; ++i) {
    if (i > 0) message += ", ";
    message += query.answers[i];
  }
  if (query.answer_count > kAnswersKept) message += ", ...";
}

class Resolver final : public Format {
 public:
  std::string_view name() const override { return "resolver"; }
  std::string_view description() const override {
    return "Amazon Route 53 Resolver query logs: DNS queries of a VPC";
  }

  Match Sniff(std::string_view record) const override {
    if (!record.starts_with('{') || !HasKey(record, "query_name")) return Match::kNo;
    return HasKey(record, "query_timestamp") || HasKey(record, "rcode") ? Match::kYes
                                                                        : Match::kMaybe;
  }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    if (!record.bytes.starts_with('{')) return Outcome::kNotMine;
    Query query;
    const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
      ReadMember(key, value, query, event);
    });
    if (!whole || !query.whole) return Outcome::kDamaged;
    if (query.name.empty() || (query.time.empty() && !query.has_source)) return Outcome::kNotMine;
    event.time = ParseTimestamp(query.time);
    event[Text::kTimeKind] = "Event Time";
    event[Text::kAction] = "query";
    event[Text::kObjectKind] = query.type;
    event[Text::kObjectName] = query.name;
    if (query.name.size() > 1 && query.name.ends_with('.')) event[Text::kObjectName].pop_back();
    const bool blocked = query.action == "BLOCK";
    const bool failed = blocked || (!query.code.empty() && query.code != "NOERROR");
    event[Text::kOutcome] = failed ? "failure" : "success";
    if (failed) event[Text::kError] = blocked ? "BLOCK" : query.code;
    AddTag(event, "instance", query.instance);
    AddTag(event, "vpc", query.vpc);
    AddTag(event, "transport", query.transport);
    AddTag(event, "firewall", query.action);
    AddTag(event, "domain_list", query.domain_list);
    for (size_t i = 0; i < query.answer_count && i < kAnswersKept; ++i) {
      AddTag(event, "answer", query.answers[i]);
    }
    FillMessage(query, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& ResolverFormat() {
  static const Resolver format;
  return format;
}

}  // namespace ekshume::log::resolver
