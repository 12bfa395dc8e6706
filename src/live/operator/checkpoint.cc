// SPDX-License-Identifier: Apache-2.0
#include "live/operator/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "live/acquire/names.h"

namespace ekshume::live::operators {
namespace {

constexpr size_t kMaxMessageBytes = 1024;  // of a condition: the API keeps objects small

bool IsOneOf(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

// Keys are flat, but whoever lists or mounts them takes these for steps.
bool HasSteps(std::string_view path) {
  const auto parts = SplitNonEmpty(path, '/');
  return std::ranges::any_of(parts,
                             [](std::string_view part) { return part == "." || part == ".."; });
}

// Whether `place` is `prefix` or lies below it.
bool IsBelow(const aws::S3Place& place, const aws::S3Place& prefix) {
  if (place.bucket != prefix.bucket) return false;
  std::string_view root = prefix.key;
  while (root.ends_with('/')) root.remove_suffix(1);
  std::string_view key = place.key;
  if (root.empty()) return true;
  if (!key.starts_with(root)) return false;
  key.remove_prefix(root.size());
  return key.empty() || key.starts_with('/');
}

Error Invalid(std::string message) { return Fail(ErrorCode::kInvalidArgument, std::move(message)); }

}  // namespace

Checkpoint ReadCheckpoint(const Json& object) {
  const Json& metadata = wire::ObjectOf(object, "metadata");
  const Json& spec = wire::ObjectOf(object, "spec");
  const Json& status = wire::ObjectOf(object, "status");
  Checkpoint out;
  out.name = wire::TextOf(metadata, "name");
  out.in_namespace = wire::TextOf(metadata, "namespace");
  out.uid = wire::TextOf(metadata, "uid");
  out.resource_version = wire::TextOf(metadata, "resourceVersion");
  out.destination = wire::TextOf(spec, "destination");
  out.subpath = wire::TextOf(spec, "subpath");
  if (out.subpath.empty()) out.subpath = "forensics";
  out.pod = wire::TextOf(spec, "pod");
  out.pod_namespace = wire::TextOf(spec, "namespace");
  if (out.pod_namespace.empty()) out.pod_namespace = out.in_namespace;
  out.cluster_name = wire::TextOf(spec, "clusterName");
  out.container = wire::TextOf(spec, "container");
  out.via = wire::TextOf(spec, "via");
  if (out.via.empty()) out.via = "auto";
  out.memory = wire::TextOf(spec, "memory");
  if (out.memory.empty()) out.memory = "none";
  out.phase = wire::TextOf(status, "phase");
  out.holder = wire::TextOf(status, "holder");
  out.started_text = wire::TextOf(status, "startTime");
  out.renewed = ParseTimestamp(wire::TextOf(status, "renewTime"));
  out.attempts = wire::IntegerOf(status, "attempts");
  // As kube-forensics leaves what it has done: without a phase.
  if (out.phase.empty() && !wire::TextOf(status, "completionTime").empty()) out.phase = "Succeeded";
  return out;
}

bool IsWaiting(const Checkpoint& checkpoint, const std::string& identity, Timestamp now) {
  if (checkpoint.phase.empty() || checkpoint.phase == "Pending") return true;
  if (checkpoint.phase != "Running") return false;
  if (checkpoint.holder == identity || !checkpoint.renewed) return true;
  return now.seconds - checkpoint.renewed->seconds > kClaimSeconds;
}

Result<aws::S3Place> PlaceOf(const Checkpoint& checkpoint, const std::vector<std::string>& allowed,
                             Timestamp started) {
  if (checkpoint.pod.empty()) return Invalid("spec.pod is missing");
  if (!IsOneOf(checkpoint.memory, {"none", "anonymous", "all"})) {
    return Invalid("spec.memory is none, anonymous or all");
  }
  const std::string destination =
      checkpoint.destination.empty() && !allowed.empty() ? allowed.front() : checkpoint.destination;
  const auto root = aws::ParseS3Url(destination);
  if (!root) {
    return Invalid(fmt::format("spec.destination {} is no s3://BUCKET/PREFIX",
                               EscapeForTerminal(destination)));
  }
  if (HasSteps(root->key) || HasSteps(checkpoint.subpath) || HasSteps(checkpoint.cluster_name)) {
    return Invalid("spec.destination, subpath and clusterName may have no . and .. in them");
  }
  const bool may = std::ranges::any_of(allowed, [&](const std::string& url) {
    const auto prefix = aws::ParseS3Url(url);
    return prefix && IsBelow(*root, *prefix);
  });
  if (!may) {
    return Invalid(fmt::format("the operator may not write to {} (its --destination)",
                               EscapeForTerminal(destination)));
  }
  aws::S3Place place{root->bucket, ""};
  for (const std::string* part : {&root->key, &checkpoint.subpath, &checkpoint.cluster_name}) {
    for (const std::string_view step : SplitNonEmpty(*part, '/')) {
      place.key += fmt::format("{}/", step);
    }
  }
  place.key += fmt::format("{}_{}_{}", started.seconds, NameOf(checkpoint.pod_namespace),
                           NameOf(checkpoint.pod));
  return place;
}

std::string ApiTime(Timestamp time) { return FormatTimestamp(time).substr(0, 19) + "Z"; }

Json ClaimedStatus(const std::string& identity, int64_t attempts, Timestamp now) {
  return {{"phase", "Running"},        {"holder", identity}, {"startTime", ApiTime(now)},
          {"renewTime", ApiTime(now)}, {"active", 1},        {"attempts", attempts}};
}

Json RenewedStatus(Timestamp now) { return {{"renewTime", ApiTime(now)}}; }

Json ReleasedStatus(int64_t attempts) {
  // null takes a member away (RFC 7386).
  return {{"phase", "Pending"}, {"holder", nullptr},    {"startTime", nullptr},
          {"active", 0},        {"renewTime", nullptr}, {"attempts", attempts}};
}

Json EndedStatus(const End& end, Timestamp now) {
  std::string message = end.message;
  if (message.size() > kMaxMessageBytes) message = message.substr(0, kMaxMessageBytes) + "...";
  const Json condition = {{"type", end.succeeded ? "Complete" : "Failed"},
                          {"status", "True"},
                          {"reason", end.reason},
                          {"message", message},
                          {"lastProbeTime", ApiTime(now)},
                          {"lastTransitionTime", ApiTime(now)}};
  Json status = {{"phase", end.succeeded ? "Succeeded" : "Failed"},
                 {"completionTime", ApiTime(now)},
                 {"active", 0},
                 {"succeeded", end.succeeded ? 1 : 0},
                 {"failed", end.succeeded ? 0 : 1},
                 {"conditions", Json::array({condition})}};
  if (!end.location.empty()) status["location"] = end.location;
  if (!end.sha256.empty()) status["sha256"] = end.sha256;
  return status;
}

}  // namespace ekshume::live::operators
