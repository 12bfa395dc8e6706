// SPDX-License-Identifier: Apache-2.0
#include "log/vpc_flow/reader.h"

#include <algorithm>
#include <array>
#include <vector>

#include "log/fields.h"

namespace ekshume::log::vpc_flow {
namespace {

using event::Event;
using event::Number;
using event::Text;

enum Field : uint8_t {
  kVersion,
  kAccountId,
  kInterfaceId,
  kSrcAddr,
  kDstAddr,
  kSrcPort,
  kDstPort,
  kProtocol,
  kPackets,
  kBytes,
  kStart,
  kEnd,
  kAction,
  kLogStatus,
  kVpcId,
  kSubnetId,
  kInstanceId,
  kTcpFlags,
  kType,
  kPktSrcAddr,
  kPktDstAddr,
  kRegion,
  kAzId,
  kPktSrcAwsService,
  kPktDstAwsService,
  kFlowDirection,
  kTrafficPath,
  kEcsClusterName,
  kEcsContainerId,
  kEcsServiceName,
  kEcsTaskId,
  kRejectReason,
  kFieldCount
};

// By Field. Other fields that a header names are passed over.
constexpr std::array<std::string_view, kFieldCount> kNames = {"version",
                                                              "account-id",
                                                              "interface-id",
                                                              "srcaddr",
                                                              "dstaddr",
                                                              "srcport",
                                                              "dstport",
                                                              "protocol",
                                                              "packets",
                                                              "bytes",
                                                              "start",
                                                              "end",
                                                              "action",
                                                              "log-status",
                                                              "vpc-id",
                                                              "subnet-id",
                                                              "instance-id",
                                                              "tcp-flags",
                                                              "type",
                                                              "pkt-srcaddr",
                                                              "pkt-dstaddr",
                                                              "region",
                                                              "az-id",
                                                              "pkt-src-aws-service",
                                                              "pkt-dst-aws-service",
                                                              "flow-direction",
                                                              "traffic-path",
                                                              "ecs-cluster-name",
                                                              "ecs-container-id",
                                                              "ecs-service-name",
                                                              "ecs-task-id",
                                                              "reject-reason"};

constexpr std::string_view kDefaultHeader =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status";

constexpr size_t kMaxColumns = 64;  // AWS knows 45
constexpr Timestamp kNoEarlierThan{1000000000, 0};

// The columns of a header; kFieldCount for unknown ones.
std::vector<Field> ColumnsOf(std::string_view header) {
  std::vector<Field> columns;
  while (!header.empty() && columns.size() <= kMaxColumns) {
    const auto found = std::ranges::find(kNames, TakeWord(header));
    columns.push_back(static_cast<Field>(found - kNames.begin()));
  }
  return columns;
}

bool IsHeaderLine(std::string_view line) {
  const std::vector<Field> columns = ColumnsOf(line);
  const auto known = std::ranges::count_if(columns, [](Field f) { return f != kFieldCount; });
  return columns.size() >= 2 && columns.size() <= kMaxColumns &&
         known * 2 > static_cast<int64_t>(columns.size());
}

// The columns that a stream's records have; kept, as the next record has the same.
const std::vector<Field>& ColumnsFor(const Stream& stream) {
  thread_local std::string last;
  thread_local std::vector<Field> columns;
  const std::string_view header = IsHeaderLine(stream.header) ? stream.header : kDefaultHeader;
  if (header != last) {
    columns = ColumnsOf(header);
    last = header;
  }
  return columns;
}

// The fields of one line; empty where it has "-".
using Flow = std::array<std::string_view, kFieldCount + 1>;

bool Split(std::string_view line, const std::vector<Field>& columns, Flow& flow) {
  for (const Field column : columns) {
    if (line.empty()) return false;
    const std::string_view word = TakeWord(line);
    flow[column] = word == "-" ? std::string_view() : word;
  }
  return line.empty();
}

bool IsAddress(std::string_view word) {
  if (word.size() < 3 ||
      word.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos)
    return false;
  return std::ranges::count(word, '.') == 3 || std::ranges::count(word, ':') >= 2;
}

std::string_view ProtocolName(std::string_view number) {
  constexpr std::pair<std::string_view, std::string_view> kProtocols[] = {
      {"1", "icmp"}, {"2", "igmp"}, {"4", "ipip"},    {"6", "tcp"},   {"17", "udp"},
      {"47", "gre"}, {"50", "esp"}, {"58", "icmpv6"}, {"132", "sctp"}};
  const auto* found = std::ranges::find(kProtocols, number, [](const auto& p) { return p.first; });
  return found == std::end(kProtocols) ? number : found->second;
}

// What cannot be a flow, whatever the columns: numbers that are none, an action that is none.
bool IsFlow(const Flow& flow) {
  for (const Field field :
       {kVersion, kSrcPort, kDstPort, kProtocol, kPackets, kBytes, kStart, kEnd}) {
    if (!flow[field].empty() && !ParseInteger(flow[field])) return false;
  }
  const std::string_view action = flow[kAction];
  const std::string_view status = flow[kLogStatus];
  return (action.empty() || action == "ACCEPT" || action == "REJECT") &&
         (status.empty() || status == "OK" || status == "NODATA" || status == "SKIPDATA") &&
         (!flow[kSrcAddr].empty() || !flow[kPktSrcAddr].empty() || !flow[kInterfaceId].empty());
}

void FillTime(const Flow& flow, Event& event) {
  event[Text::kTimeKind] = "Start Time";
  event.time = ParseEpochSeconds(flow[kStart]);
  const std::optional<Timestamp> end = ParseEpochSeconds(flow[kEnd]);
  if (!event.time) {
    event.time = end;
    if (end) event[Text::kTimeKind] = "End Time";
    return;
  }
  if (!end || *end < *event.time || *event.time < kNoEarlierThan) return;
  const int64_t seconds = end->seconds - event.time->seconds;
  constexpr int64_t kSecond = 1000000000;
  if (seconds < INT64_MAX / kSecond) event[Number::kDurationNs] = seconds * kSecond;
}

void FillAddresses(const Flow& flow, Event& event) {
  const auto packet_or = [&](Field packet, Field interface, Text column, std::string_view tag) {
    event[column] = flow[packet].empty() ? flow[interface] : flow[packet];
    if (!flow[interface].empty() && flow[interface] != event[column]) {
      AddTag(event, tag, flow[interface]);
    }
  };
  packet_or(kPktSrcAddr, kSrcAddr, Text::kSourceIp, "srcaddr");
  packet_or(kPktDstAddr, kDstAddr, Text::kDestinationIp, "dstaddr");
  event[Number::kSourcePort] = ParseInteger(flow[kSrcPort]);
  event[Number::kDestinationPort] = ParseInteger(flow[kDstPort]);
}

void FillOutcome(const Flow& flow, Event& event) {
  event[Text::kAction] = flow[kAction];
  if (flow[kAction].empty()) event[Text::kAction] = flow[kLogStatus];
  event[Text::kOutcome] = flow[kAction] == "ACCEPT"   ? "success"
                          : flow[kAction] == "REJECT" ? "failure"
                                                      : "unknown";
  event[Text::kError] = flow[kRejectReason];
}

void AppendEndpoint(std::string& message, std::string_view address,
                    const std::optional<int64_t>& port) {
  const bool brackets = address.find(':') != std::string_view::npos && port.value_or(0) != 0;
  message += address.empty() ? "?" : "";
  if (brackets) message += '[';
  message += address;
  if (brackets) message += ']';
  if (port.value_or(0) == 0) return;
  message += ':';
  message += std::to_string(*port);
}

// "10.0.0.71:34210 to 52.95.128.179:80 (tcp) accepted, 7 packets, 471 bytes"
void FillMessage(const Flow& flow, Event& event) {
  std::string& message = event[Text::kMessage];
  if (flow[kLogStatus] == "NODATA" || flow[kLogStatus] == "SKIPDATA") {
    message = flow[kLogStatus] == "NODATA" ? "No traffic at " : "Records were skipped at ";
    message += flow[kInterfaceId].empty() ? "an interface" : flow[kInterfaceId];
    return;
  }
  AppendEndpoint(message, event[Text::kSourceIp], event[Number::kSourcePort]);
  message += " to ";
  AppendEndpoint(message, event[Text::kDestinationIp], event[Number::kDestinationPort]);
  if (!flow[kProtocol].empty()) {
    message += " (";
    message += ProtocolName(flow[kProtocol]);
    message += ')';
  }
  if (flow[kAction] == "ACCEPT") message += " accepted";
  if (flow[kAction] == "REJECT") message += " rejected";
  for (const auto& [field, unit] : {std::pair{kPackets, " packets"}, {kBytes, " bytes"}}) {
    if (flow[field].empty()) continue;
    message += ", ";
    message += flow[field];
    message += unit;
  }
}

void FillTags(const Flow& flow, Event& event) {
  constexpr std::pair<Field, std::string_view> kTags[] = {{kPackets, "packets"},
                                                          {kTcpFlags, "tcp_flags"},
                                                          {kFlowDirection, "direction"},
                                                          {kInstanceId, "instance"},
                                                          {kVpcId, "vpc"},
                                                          {kSubnetId, "subnet"},
                                                          {kTrafficPath, "traffic_path"},
                                                          {kPktSrcAwsService, "from_service"},
                                                          {kPktDstAwsService, "to_service"},
                                                          {kEcsServiceName, "ecs_service"},
                                                          {kEcsTaskId, "ecs_task"}};
  AddTag(event, "protocol", ProtocolName(flow[kProtocol]));
  for (const auto& [field, name] : kTags) AddTag(event, name, flow[field]);
}

class VpcFlow final : public Format {
 public:
  std::string_view name() const override { return "vpc_flow"; }
  std::string_view description() const override {
    return "Amazon VPC flow logs as text, with any columns";
  }

  // A header, or a line that looks like one of any columns.
  Match Sniff(std::string_view record) const override {
    if (IsHeaderLine(record)) return Match::kYes;
    if (record.empty() || record.find_first_of("\"{[=,") != std::string_view::npos)
      return Match::kNo;
    size_t words = 0;
    size_t addresses = 0;
    bool interface = false;
    bool status = false;
    bool action = false;
    while (!record.empty() && words <= kMaxColumns) {
      const std::string_view word = TakeWord(record);
      ++words;
      if (IsAddress(word)) ++addresses;
      if (word.starts_with("eni-")) interface = true;
      if (word == "OK" || word == "NODATA" || word == "SKIPDATA") status = true;
      if (word == "ACCEPT" || word == "REJECT") action = true;
    }
    if (words < 4 || words > kMaxColumns) return Match::kNo;
    if ((interface && status) || (addresses >= 2 && action)) return Match::kYes;
    return addresses >= 2 ? Match::kMaybe : Match::kNo;
  }

  bool IsHeader(std::string_view record) const override { return IsHeaderLine(record); }

  Outcome Parse(const Record& record, Event& event, event::Sink& sink,
                DiagnosticSink& /*diagnostics*/) const override {
    if (record.bytes.empty() || record.bytes.front() == '{') return Outcome::kNotMine;
    if (IsHeaderLine(record.bytes)) return Outcome::kSkipped;  // of files put one after the other
    const std::vector<Field>& columns = ColumnsFor(*record.stream);
    Flow flow{};
    if (!Split(record.bytes, columns, flow)) {
      return Sniff(record.bytes) == Match::kYes ? Outcome::kDamaged : Outcome::kNotMine;
    }
    if (!IsFlow(flow)) return Outcome::kNotMine;
    FillTime(flow, event);
    FillAddresses(flow, event);
    FillOutcome(flow, event);
    event[Text::kAccountId] = flow[kAccountId];
    event[Text::kRegion] = flow[kRegion];
    event[Text::kCluster] = flow[kEcsClusterName];
    event[Text::kContainerId] = flow[kEcsContainerId];
    event[Text::kObjectKind] = "network_interface";
    event[Text::kObjectName] = flow[kInterfaceId];
    event[Number::kSize] = ParseInteger(flow[kBytes]);
    FillMessage(flow, event);
    FillTags(flow, event);
    sink.Add(event);
    return Outcome::kEvents;
  }
};

}  // namespace

const Format& VpcFlowFormat() {
  static const VpcFlow format;
  return format;
}

}  // namespace ekshume::log::vpc_flow
