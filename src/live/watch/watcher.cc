// SPDX-License-Identifier: Apache-2.0
#include "live/watch/watcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <istream>
#include <map>

#include "base/clock.h"
#include "base/limits.h"
#include "base/wait.h"
#include "casefile/atomic_file.h"
#include "live/aws/json_calls.h"
#include "live/cloud/findings.h"
#include "live/cloud/moment.h"

namespace ekshume::live::watch {
namespace {

using wire::Json;

// Findings of the last quarter of an hour are looked at again: they come late.
constexpr int64_t kOverlapSeconds = 900;
constexpr int kFailed = 2;  // exit codes from here on: nothing was acquired

class Watcher {
 public:
  Watcher(const WatchOptions& options, aws::Connection& connection, DiagnosticSink& diagnostics,
          Progress& progress)
      : options_(options),
        connection_(connection),
        diagnostics_(diagnostics),
        progress_(progress),
        state_path_(options.case_directory + "/watch.json") {}

  Result<void> Run() {
    EKSHUME_TRY(Load());
    if (options_.input != nullptr) return ReadInput();
    const aws::Client* client = EKSHUME_TRY(connection_.client());
    while (!progress_.cancelled()) {
      const Result<void> looked =
          options_.queue_url.empty() ? AskGuardDuty(*client) : AskQueue(*client);
      if (!looked) {
        if (options_.once || looked.error().code == ErrorCode::kCancelled) return looked;
        // A service that is away for a while must not end the watch.
        diagnostics_.Report(DiagnosticCode::kAcquireFailed, "watch", looked.error().message);
        options_.say(looked.error().message);
      }
      if (options_.once) return {};
      if (options_.queue_url.empty() || !looked) Pause();
    }
    return {};
  }

 private:
  Result<void> Load();
  Result<void> Save() const;
  Result<void> ReadInput();
  Result<void> AskGuardDuty(const aws::Client& client);
  Result<void> AskQueue(const aws::Client& client);
  Result<void> OnEvent(const Json& event);
  Result<void> OnFinding(const Json& finding);
  Result<void> Do(const Task& task, const FindingObject& finding);
  void CallWebhook(const Task& task, const FindingObject& finding, int exit_code);
  void Pause() const;

  const WatchOptions& options_;
  aws::Connection& connection_;
  DiagnosticSink& diagnostics_;
  Progress& progress_;
  const std::string state_path_;
  std::map<std::string, Json> done_;  // "pod shop/web" -> what was done
  int64_t looked_until_ = 0;          // seconds
};

void Watcher::Pause() const {
  // Who calls looks itself whether to stop.
  static_cast<void>(Wait(std::chrono::seconds(options_.interval_seconds), &progress_));
}

Result<void> Watcher::Load() {
  const auto text = casefile::ReadOwnFile(state_path_);
  if (!text) {
    return text.error().code == ErrorCode::kNotFound ? Result<void>() : Result<void>(text.error());
  }
  const Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} is damaged", state_path_));
  }
  for (const auto& [key, value] : wire::ObjectOf(json, "done").items()) done_[key] = value;
  looked_until_ = wire::IntegerOf(json, "looked_until");
  return {};
}

Result<void> Watcher::Save() const {
  Json done = Json::object();
  for (const auto& [key, value] : done_) done[key] = value;
  const auto file = EKSHUME_TRY(casefile::AtomicFile::Create(state_path_));
  EKSHUME_TRY(file->Write(Json{{"looked_until", looked_until_}, {"done", done}}.dump(2) + "\n"));
  return file->Commit();
}

Result<void> Watcher::ReadInput() {
  std::string line;
  while (!progress_.cancelled() && std::getline(*options_.input, line)) {
    if (line.size() > limits::kMaxRecordBytes) {
      diagnostics_.Report(DiagnosticCode::kAcquireFailed, "an event",
                          fmt::format("{} bytes are more than kMaxRecordBytes", line.size()));
      continue;
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    EKSHUME_TRY(OnEvent(Json::parse(line, nullptr, false)));
  }
  return {};
}

Result<void> Watcher::AskGuardDuty(const aws::Client& client) {
  const int64_t now = Now().seconds;
  const int64_t from = looked_until_ > 0 ? looked_until_ - kOverlapSeconds : now - 86400;
  EKSHUME_TRY(cloud::ForEachFinding(
      client, {Timestamp{from, 0}, Timestamp{now + kOverlapSeconds, 0}}, 0,
      [&](const Json& finding) { return OnFinding(finding); }, progress_));
  looked_until_ = now;
  return Save();
}

Result<void> Watcher::AskQueue(const aws::Client& client) {
  const Json answer = EKSHUME_TRY(aws::CallJson(client, aws::kSqs, "ReceiveMessage",
                                                {{"QueueUrl", options_.queue_url},
                                                 {"MaxNumberOfMessages", 10},
                                                 {"WaitTimeSeconds", options_.once ? 1 : 20},
                                                 {"VisibilityTimeout", 900}}));
  for (const Json& message : wire::ArrayOf(answer, "Messages")) {
    EKSHUME_TRY(OnEvent(Json::parse(wire::TextOf(message, "Body"), nullptr, false)));
    // Only now: what we did not get to comes again.
    EKSHUME_TRY(aws::CallJson(client, aws::kSqs, "DeleteMessage",
                              {{"QueueUrl", options_.queue_url},
                               {"ReceiptHandle", wire::TextOf(message, "ReceiptHandle")}}));
  }
  return {};
}

// An event of EventBridge, perhaps in a message of SNS, or a finding as it is.
Result<void> Watcher::OnEvent(const Json& event) {
  if (!event.is_object()) {
    diagnostics_.Report(DiagnosticCode::kAcquireFailed, "an event", "it is no JSON object");
    return {};
  }
  if (wire::TextOf(event, "Type") == "Notification") {
    const Json inner = Json::parse(wire::TextOf(event, "Message"), nullptr, false);
    return inner.is_object() && wire::TextOf(inner, "Type") != "Notification" ? OnEvent(inner)
                                                                              : Result<void>();
  }
  if (event.contains("detail")) return OnFinding(wire::ObjectOf(event, "detail"));
  return OnFinding(event);
}

Result<void> Watcher::OnFinding(const Json& json) {
  if (progress_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  const std::optional<FindingObject> finding = ReadFinding(json);
  if (!finding) return {};
  for (const Task& task : TasksFor(options_.policy, *finding)) EKSHUME_TRY(Do(task, *finding));
  return {};
}

Result<void> Watcher::Do(const Task& task, const FindingObject& finding) {
  const std::string key = fmt::format("{} {}", task.acquire, task.object);
  if (const auto before = done_.find(key); before != done_.end()) {
    const bool failed = wire::IntegerOf(before->second, "exit_code", -1) >= kFailed;
    const bool same = wire::TextOf(before->second, "finding") == finding.finding_id;
    if (!failed || same) return {};
  }
  options_.say(fmt::format("{} (severity {}): acquiring the {} {}", finding.type, finding.severity,
                           task.acquire, task.object));
  Json& record = done_[key];
  record = {{"finding", finding.finding_id},
            {"type", finding.type},
            {"started", FormatTimestamp(Now())},
            {"exit_code", nullptr}};
  EKSHUME_TRY(Save());
  std::vector<std::string> arguments = task.arguments;
  arguments.insert(arguments.end(), {"--case", options_.case_directory});
  const int exit_code = EKSHUME_TRY(options_.run(arguments));
  record["exit_code"] = exit_code;
  record["finished"] = FormatTimestamp(Now());
  EKSHUME_TRY(Save());
  options_.say(fmt::format("the {} {}: exit code {}", task.acquire, task.object, exit_code));
  if (exit_code >= kFailed) {
    diagnostics_.Report(DiagnosticCode::kAcquireFailed, key,
                        fmt::format("the acquisition ended with exit code {}", exit_code));
  }
  CallWebhook(task, finding, exit_code);
  return {};
}

void Watcher::CallWebhook(const Task& task, const FindingObject& finding, int exit_code) {
  if (options_.policy.webhook.empty()) return;
  http::Request request;
  request.method = "POST";
  request.url = options_.policy.webhook;
  request.timeout = std::chrono::seconds(30);
  request.headers = {{"content-type", "application/json"}};
  request.body = wire::DumpJson({{"tool", "ekshume"},
                                 {"finding_id", finding.finding_id},
                                 {"finding_type", finding.type},
                                 {"severity", finding.severity},
                                 {"cluster", finding.cluster},
                                 {"acquired", task.acquire},
                                 {"object", task.object},
                                 {"exit_code", exit_code},
                                 {"case", options_.case_directory}});
  http::CurlTransport transport;
  const auto answer = transport.Send(request);
  if (answer && answer->status / 100 == 2) return;
  diagnostics_.Report(
      DiagnosticCode::kAcquireFailed, "webhook",
      answer ? fmt::format("HTTP status {}", answer->status) : answer.error().message);
}

}  // namespace

Result<void> Watch(const WatchOptions& options, aws::Connection& connection,
                   DiagnosticSink& diagnostics, Progress& progress) {
  return Watcher(options, connection, diagnostics, progress).Run();
}

}  // namespace ekshume::live::watch
