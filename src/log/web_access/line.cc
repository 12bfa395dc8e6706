// SPDX-License-Identifier: Apache-2.0
#include "log/web_access/line.h"

#include <algorithm>
#include <array>

#include "log/fields.h"
#include "log/text_time.h"

namespace ekshume::log::web_access {
namespace {

constexpr size_t kClfTimeBytes = 26;
constexpr size_t kMaxBeforeTime = 512;  // client, identity, user

std::string_view Said(std::string_view field) { return field == "-" ? std::string_view() : field; }

// Cuts a quoted field off, in which \" does not end it, or a word without quotes.
bool TakeQuoted(std::string_view& rest, std::string_view& out) {
  if (!rest.starts_with('"')) {
    out = Said(TakeWord(rest));
    return true;
  }
  size_t end = 1;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  if (end >= rest.size()) return false;
  out = Said(rest.substr(1, end - 1));
  rest.remove_prefix(end + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return true;
}

bool IsStatus(std::string_view text) {
  return text == "-" || (text.size() == 3 && ParseInteger(text).value_or(0) >= 100);
}

bool IsNumberOrDash(std::string_view text) { return text == "-" || ParseInteger(text).has_value(); }

// "192.168.1.10:44325": false when there is no port.
bool SplitPort(std::string_view text, std::string_view& address, std::string_view& port) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !ParseInteger(text.substr(colon + 1))) return false;
  address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  port = text.substr(colon + 1);
  return true;
}

// Behind client and target: three times in seconds, two statuses, bytes in and out, the request.
Kind ParseHttpRest(std::string_view line, Request& request) {
  std::array<std::string_view, 7> words;
  for (std::string_view& word : words) word = TakeWord(line);
  if (!IsStatus(words[3]) || !IsNumberOrDash(words[5]) || !IsNumberOrDash(words[6])) {
    return Kind::kDamaged;
  }
  request.status = Said(words[3]);
  request.bytes_received = words[5];
  request.bytes_sent = words[6];
  if (!line.starts_with('"') || !TakeQuoted(line, request.request)) return Kind::kDamaged;
  if (request.request.starts_with("- - ")) request.request = {};  // of TCP and TLS listeners
  // Older lines of Classic Load Balancers end here.
  return TakeQuoted(line, request.user_agent) ? Kind::kRequest : Kind::kDamaged;
}

// Network Load Balancers: connections, no requests.
Kind ParseTls(std::string_view line, Request& request) {
  if (!TakeWord(line).starts_with("2.")) return Kind::kOther;
  std::array<std::string_view, 9> words;
  for (std::string_view& word : words) word = TakeWord(line);
  const std::optional<LeadingTime> time = TakeLeadingTime(words[0]);
  if (!time || !words[1].starts_with("net/")) return Kind::kOther;
  if (!SplitPort(words[3], request.client, request.client_port) ||
      !SplitPort(words[4], request.target, request.target_port) || !ParseInteger(words[7])) {
    return Kind::kDamaged;
  }
  request.time = time->time;
  request.balancer = words[1];
  request.bytes_received = words[7];
  request.bytes_sent = words[8];
  return Kind::kRequest;
}

}  // namespace

Kind ParseCommonLog(std::string_view line, Request& request) {
  const size_t bracket = line.substr(0, kMaxBeforeTime).find(" [");
  if (bracket == std::string_view::npos || line.size() < bracket + kClfTimeBytes + 5) {
    return Kind::kOther;
  }
  const std::optional<Timestamp> time = ParseClfTime(line.substr(bracket + 2, kClfTimeBytes));
  std::string_view before = line.substr(0, bracket);
  std::string_view rest = line.substr(bracket + kClfTimeBytes + 2);
  if (!time || !rest.starts_with("] \"")) return Kind::kOther;
  request.time = *time;
  request.client = TakeWord(before);
  TakeWord(before);  // identd's answer
  if (request.client.empty() || before.empty()) return Kind::kOther;
  request.user = Said(before);
  // The request ends at the first quote that a status follows: old servers escape no quotes.
  size_t end = rest.find("\" ", 3);
  while (end != std::string_view::npos) {
    std::string_view after = rest.substr(end + 2);
    if (IsStatus(TakeWord(after))) break;
    end = rest.find("\" ", end + 1);
  }
  if (end == std::string_view::npos) return Kind::kDamaged;
  request.request = Said(rest.substr(3, end - 3));
  rest.remove_prefix(end + 2);
  request.status = Said(TakeWord(rest));
  request.bytes_sent = TakeWord(rest);
  if (!rest.starts_with('"')) return Kind::kRequest;  // the Common Log Format ends here
  return TakeQuoted(rest, request.referer) && TakeQuoted(rest, request.user_agent) ? Kind::kRequest
                                                                                   : Kind::kDamaged;
}

Kind ParseLoadBalancer(std::string_view line, Request& request) {
  constexpr std::string_view kTypes[] = {"http", "https", "h2", "grpcs", "ws", "wss"};
  std::string_view first = TakeWord(line);
  if (first == "tls") return ParseTls(line, request);
  const bool typed = std::ranges::find(kTypes, first) != std::end(kTypes);
  if (typed) first = TakeWord(line);
  if (first.size() < 20 || first[10] != 'T' || !first.ends_with('Z')) return Kind::kOther;
  const std::optional<Timestamp> time = ParseTimestamp(first);
  request.balancer = TakeWord(line);
  if (!time || !SplitPort(TakeWord(line), request.client, request.client_port)) return Kind::kOther;
  const std::string_view target = TakeWord(line);
  if (target != "-" && !SplitPort(target, request.target, request.target_port)) return Kind::kOther;
  request.time = *time;
  return ParseHttpRest(line, request);
}

}  // namespace ekshume::log::web_access
