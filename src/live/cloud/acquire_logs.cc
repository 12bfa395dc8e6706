// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/acquire_logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/wait.h"
#include "live/acquire/names.h"
#include "live/aws/json_calls.h"
#include "live/cloud/acquire_bucket.h"
#include "live/cloud/findings.h"

namespace ekshume::live::cloud {
namespace {

using aws::ServiceError;
using wire::Json;

constexpr int64_t kHistoryDays = 90;                       // of CloudTrail's event history
constexpr std::chrono::milliseconds kLookupInterval{520};  // two calls a second and account
constexpr std::chrono::seconds kExportPoll{5};

// A file of JSON lines that is made when its first line comes.
class LineFile {
 public:
  LineFile(Acquisition& acquisition, std::string name, std::string origin)
      : acquisition_(acquisition), name_(std::move(name)), origin_(std::move(origin)) {}

  Result<void> Add(const Json& line) {
    if (file_ == nullptr) file_ = EKSHUME_TRY(acquisition_.Create(name_, origin_));
    ++lines_;
    return file_->Write(wire::DumpJson(line) + "\n");
  }
  // What came before a failure is evidence too.
  Result<void> Finish() { return file_ == nullptr ? Result<void>() : file_->Finish(); }
  uint64_t lines() const { return lines_; }

 private:
  Acquisition& acquisition_;
  const std::string name_;
  const std::string origin_;
  std::unique_ptr<AcquiredFile> file_;
  uint64_t lines_ = 0;
};

class LogsWork {
 public:
  LogsWork(const LogsRequest& request, aws::Connection& connection, const aws::Client& client,
           Acquisition& acquisition, Progress& progress)
      : request_(request),
        connection_(connection),
        client_(client),
        acquisition_(acquisition),
        progress_(progress) {}

  Result<void> Run() {
    std::vector<std::string> groups = request_.groups;
    if (!request_.cluster.empty()) {
      groups.push_back(fmt::format("/aws/eks/{}/cluster", request_.cluster));
    }
    for (const std::string& group : groups) {
      Result<void> done;
      if (!request_.export_to.empty()) {
        done = Export(group);
      } else if (!request_.stream.empty()) {
        done = OneStream(group);
      } else {
        done = Windows(group);
      }
      if (!done) {
        if (done.error().code == ErrorCode::kCancelled) return done.error();
        acquisition_.Failed(group, done.error().message, failure_.missing_permission);
        failure_ = {};
      }
    }
    acquisition_.Note("events", fmt::format("{}", events_));
    return {};
  }

 private:
  Result<void> Windows(const std::string& group);
  Result<void> Window(const std::string& group, int64_t from, int64_t to);
  Result<void> OneStream(const std::string& group);
  Result<void> Export(const std::string& group);

  const LogsRequest& request_;
  aws::Connection& connection_;
  const aws::Client& client_;
  Acquisition& acquisition_;
  Progress& progress_;
  ServiceError failure_;
  uint64_t events_ = 0;
};

Result<void> LogsWork::Windows(const std::string& group) {
  const int64_t end = Milliseconds(request_.range.end);
  const int64_t step = int64_t{request_.window_minutes} * 60'000;
  for (int64_t from = Milliseconds(request_.range.start); from < end; from += step) {
    const Result<void> done = Window(group, from, std::min(from + step, end));
    if (done) continue;
    const ErrorCode code = done.error().code;
    // Without the group or the permission no other window can be had either.
    if (code == ErrorCode::kCancelled || code == ErrorCode::kNotFound ||
        !failure_.missing_permission.empty()) {
      return done.error();
    }
    acquisition_.Failed(fmt::format("{} from {}", group,
                                    FormatTimestamp(TimestampFromNanoseconds(from * 1'000'000))),
                        done.error().message);
  }
  return {};
}

// The events of [from, to): the service's own end is inclusive.
Result<void> LogsWork::Window(const std::string& group, int64_t from, int64_t to) {
  Json parameters = {{"logGroupName", group}, {"startTime", from}, {"endTime", to - 1}};
  if (!request_.stream_prefix.empty()) {
    parameters["logStreamNamePrefix"] = request_.stream_prefix;
  }
  if (!request_.pattern.empty()) parameters["filterPattern"] = request_.pattern;
  LineFile file(
      acquisition_,
      fmt::format("{}/{}.jsonl", NameOf(group), NameOf(TimestampFromNanoseconds(from * 1'000'000))),
      fmt::format("logs:FilterLogEvents {}", group));
  const auto take = [&](const Json& answer) -> Result<void> {
    for (Json event : wire::ArrayOf(answer, "events")) {
      if (!event.is_object()) continue;
      event["logGroup"] = group;
      EKSHUME_TRY(file.Add(event));
      progress_.AddItems(1);
    }
    if (progress_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    return {};
  };
  const Result<void> done =
      aws::CallJsonPages(client_, aws::kLogs, "FilterLogEvents", std::move(parameters), "nextToken",
                         "nextToken", take, &failure_);
  EKSHUME_TRY(file.Finish());
  events_ += file.lines();
  return done;
}

Result<void> LogsWork::OneStream(const std::string& group) {
  LineFile file(acquisition_, fmt::format("{}/{}.jsonl", NameOf(group), NameOf(request_.stream)),
                fmt::format("logs:GetLogEvents {} {}", group, request_.stream));
  const auto take = [&](const Json& answer) -> Result<void> {
    for (Json event : wire::ArrayOf(answer, "events")) {
      if (!event.is_object()) continue;
      event["logGroup"] = group;
      event["logStreamName"] = request_.stream;
      EKSHUME_TRY(file.Add(event));
      progress_.AddItems(1);
    }
    return {};
  };
  // The token stays the same at the stream's end.
  const Result<void> done = aws::CallJsonPages(client_, aws::kLogs, "GetLogEvents",
                                               {{"logGroupName", group},
                                                {"logStreamName", request_.stream},
                                                {"startTime", Milliseconds(request_.range.start)},
                                                {"endTime", Milliseconds(request_.range.end)},
                                                {"startFromHead", true}},
                                               "nextForwardToken", "nextToken", take, &failure_);
  EKSHUME_TRY(file.Finish());
  events_ += file.lines();
  return done;
}

// CloudWatch writes the group into a bucket, which needs its consent (a bucket policy); then the
// objects are fetched.
Result<void> LogsWork::Export(const std::string& group) {
  const auto place = aws::ParseS3Url(request_.export_to);
  if (!place) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no s3://BUCKET/PREFIX", request_.export_to));
  }
  const std::string prefix = fmt::format("{}{}{}-{}", place->key, place->key.empty() ? "" : "/",
                                         NameOf(group), NameOf(Now()));
  const Json made =
      EKSHUME_TRY(aws::CallJson(client_, aws::kLogs, "CreateExportTask",
                                {{"taskName", fmt::format("ekshume-{}", NameOf(group))},
                                 {"logGroupName", group},
                                 {"from", Milliseconds(request_.range.start)},
                                 {"to", Milliseconds(request_.range.end)},
                                 {"destination", place->bucket},
                                 {"destinationPrefix", prefix}},
                                &failure_));
  const std::string id = wire::TextOf(made, "taskId");
  progress_.SetStage("waiting for the export");
  for (;;) {
    const Json tasks = EKSHUME_TRY(
        aws::CallJson(client_, aws::kLogs, "DescribeExportTasks", {{"taskId", id}}, &failure_));
    std::string state;
    std::string message;
    for (const Json& task : wire::ArrayOf(tasks, "exportTasks")) {
      state = wire::TextOf(wire::ObjectOf(task, "status"), "code");
      message = wire::TextOf(wire::ObjectOf(task, "status"), "message");
    }
    if (state == "COMPLETED" || state == "completed") break;
    if (state == "FAILED" || state == "CANCELLED" || state.empty()) {
      return Fail(ErrorCode::kIo, fmt::format("the export of {} ended as {}: {}", group,
                                              state.empty() ? "unknown" : state, message));
    }
    EKSHUME_TRY(Wait(kExportPoll, &progress_));
  }
  acquisition_.Note(fmt::format("export of {}", group),
                    fmt::format("task {}, s3://{}/{}", id, place->bucket, prefix));
  BucketRequest bucket;
  bucket.bucket = place->bucket;
  bucket.prefixes = {prefix + "/"};
  return AcquireBucket(bucket, connection_, acquisition_, progress_);
}

// The days that a range touches, as CloudTrail's folders name them: 2026/11/24.
std::vector<std::string> DaysOf(const TimeRange& range) {
  std::vector<std::string> days;
  const int64_t first = range.start.seconds / 86400;
  // A file may be delivered some minutes after the last event in it, perhaps on the next day.
  const int64_t last = std::min(range.end.seconds + 3600, Now().seconds) / 86400;
  for (int64_t day = first; day <= last && days.size() < 4000; ++day) {
    std::string text = FormatTimestamp(Timestamp{day * 86400, 0}).substr(0, 10);
    std::ranges::replace(text, '-', '/');
    days.push_back(std::move(text));
  }
  return days;
}

Result<void> AcquireTrailObjects(const TrailRequest& request, aws::Connection& connection,
                                 const aws::Client& client, Acquisition& acquisition,
                                 Progress& progress) {
  const auto place = aws::ParseS3Url(request.s3);
  if (!place) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no s3://BUCKET/PREFIX", request.s3));
  }
  std::string account = request.account;
  if (account.empty()) account = EKSHUME_TRY(aws::GetCallerIdentity(client)).account;
  std::vector<std::string> regions = request.regions;
  if (regions.empty()) regions.push_back(client.region());
  BucketRequest bucket;
  bucket.bucket = place->bucket;
  const std::string base =
      place->key.empty() || place->key.ends_with('/') ? place->key : place->key + "/";
  for (const std::string& region : regions) {
    for (const std::string& day : DaysOf(request.range)) {
      for (const char* folder : {"CloudTrail", "CloudTrail-Digest"}) {
        bucket.prefixes.push_back(
            fmt::format("{}AWSLogs/{}/{}/{}/{}/", base, account, folder, region, day));
      }
    }
  }
  return AcquireBucket(bucket, connection, acquisition, progress);
}

}  // namespace

Result<void> AcquireLogs(const LogsRequest& request, aws::Connection& connection,
                         Acquisition& acquisition, Progress& progress) {
  const aws::Client* client = EKSHUME_TRY(connection.client());
  progress.SetStage("reading logs");
  return LogsWork(request, connection, *client, acquisition, progress).Run();
}

Result<void> AcquireTrail(const TrailRequest& request, aws::Connection& connection,
                          Acquisition& acquisition, Progress& progress) {
  const aws::Client* client = EKSHUME_TRY(connection.client());
  progress.SetStage("reading the trail");
  if (!request.s3.empty()) {
    return AcquireTrailObjects(request, connection, *client, acquisition, progress);
  }
  const int64_t oldest = Now().seconds - kHistoryDays * 86400;
  if (request.range.start.seconds < oldest) {
    acquisition.Failed(
        fmt::format("events before {}", FormatTimestamp(Timestamp{oldest, 0})),
        "CloudTrail's event history goes back 90 days; older ones are in a trail's bucket (--s3)");
  }
  Json parameters = {{"StartTime", std::max(request.range.start.seconds, oldest)},
                     {"EndTime", request.range.end.seconds},
                     {"MaxResults", 50}};
  if (!request.attribute.empty()) {
    const size_t equals = request.attribute.find('=');
    if (equals == std::string::npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no KEY=VALUE", request.attribute));
    }
    parameters["LookupAttributes"] =
        Json::array({{{"AttributeKey", request.attribute.substr(0, equals)},
                      {"AttributeValue", request.attribute.substr(equals + 1)}}});
  }
  acquisition.Note("limits", "LookupEvents has management events only, up to 15 minutes late");
  LineFile file(acquisition, "lookup-events.jsonl", "cloudtrail:LookupEvents");
  ServiceError failure;
  const auto take = [&](const Json& answer) -> Result<void> {
    for (const Json& event : wire::ArrayOf(answer, "Events")) {
      EKSHUME_TRY(file.Add(event));
      progress.AddItems(1);
    }
    return wire::TextOf(answer, "NextToken").empty() ? Result<void>()
                                                     : Wait(kLookupInterval, &progress);
  };
  const Result<void> done =
      aws::CallJsonPages(*client, aws::kCloudTrail, "LookupEvents", std::move(parameters),
                         "NextToken", "NextToken", take, &failure);
  EKSHUME_TRY(file.Finish());
  acquisition.Note("events", fmt::format("{}", file.lines()));
  if (done || done.error().code == ErrorCode::kCancelled) return done;
  acquisition.Failed("event history", done.error().message, failure.missing_permission);
  return {};
}

Result<void> AcquireFindings(const FindingsRequest& request, aws::Connection& connection,
                             Acquisition& acquisition, Progress& progress) {
  const aws::Client* client = EKSHUME_TRY(connection.client());
  progress.SetStage("reading findings");
  ServiceError failure;
  LineFile file(acquisition, "findings.jsonl", "guardduty:GetFindings");
  const auto take = [&](const Json& finding) -> Result<void> {
    progress.AddItems(1);
    return file.Add(finding);
  };
  const Result<void> done =
      ForEachFinding(*client, request.range, request.min_severity, take, progress, &failure);
  EKSHUME_TRY(file.Finish());
  acquisition.Note("findings", fmt::format("{}", file.lines()));
  if (done || done.error().code == ErrorCode::kCancelled) return done;
  acquisition.Failed("findings", done.error().message, failure.missing_permission);
  return {};
}

}  // namespace ekshume::live::cloud
