// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/clock.h"
#include "cli/acquire_aws.h"
#include "live/cloud/acquire_bucket.h"
#include "live/cloud/acquire_logs.h"

namespace ekshume::cli {
namespace {

namespace cloud = live::cloud;
using live::Acquisition;
using live::aws::Connection;

struct RangeOptions {
  std::string start;
  std::string end;
};

void AddRangeOptions(CLI::App& verb, RangeOptions& options) {
  verb.add_option("--start", options.start,
                  "from when: RFC 3339, a day, or how long ago (24h, 7d; default 24h)")
      ->type_name("TIME");
  verb.add_option("--end", options.end, "until when (default: now)")->type_name("TIME");
}

Result<cloud::TimeRange> RangeOf(const RangeOptions& options) {
  const Timestamp now = Now();
  const auto parse = [&](const std::string& text, const char* otherwise) -> Result<Timestamp> {
    const auto time = cloud::ParseMoment(text.empty() ? otherwise : text, now);
    if (time) return *time;
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no time", text));
  };
  cloud::TimeRange range{EKSHUME_TRY(parse(options.start, "24h")),
                         EKSHUME_TRY(parse(options.end, "0s"))};
  if (range.end <= range.start) {
    return Fail(ErrorCode::kInvalidArgument, "the end is not after the start");
  }
  return range;
}

struct RecordsOptions {
  AcquireOptions common;
  RangeOptions range;
  cloud::LogsRequest logs;
  cloud::TrailRequest trail;
  cloud::FindingsRequest findings;
  cloud::BucketRequest bucket;
  std::string url;
};

Result<void> RunLogs(Program& program, RecordsOptions& options) {
  cloud::LogsRequest& request = options.logs;
  if (request.groups.empty() && request.cluster.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "which log group? Give GROUP or --cluster");
  }
  request.range = EKSHUME_TRY(RangeOf(options.range));
  options.common.kind = "logs";
  options.common.target = request.cluster.empty() ? request.groups.front() : request.cluster;
  return RunAcquisition(program, options.common, "CloudWatch Logs",
                        [&](Connection& connection, Acquisition& acquisition) {
                          return cloud::AcquireLogs(request, connection, acquisition,
                                                    program.progress);
                        });
}

Result<void> RunTrail(Program& program, RecordsOptions& options) {
  cloud::TrailRequest& request = options.trail;
  request.range = EKSHUME_TRY(RangeOf(options.range));
  options.common.kind = "trail";
  options.common.target = request.s3.empty() ? "event history" : request.s3;
  return RunAcquisition(
      program, options.common, request.s3.empty() ? "CloudTrail LookupEvents" : "CloudTrail bucket",
      [&](Connection& connection, Acquisition& acquisition) {
        return cloud::AcquireTrail(request, connection, acquisition, program.progress);
      });
}

Result<void> RunFindings(Program& program, RecordsOptions& options) {
  cloud::FindingsRequest& request = options.findings;
  if (options.range.start.empty()) options.range.start = "90d";
  request.range = EKSHUME_TRY(RangeOf(options.range));
  options.common.kind = "findings";
  options.common.target = "guardduty";
  return RunAcquisition(
      program, options.common, "GuardDuty", [&](Connection& connection, Acquisition& acquisition) {
        return cloud::AcquireFindings(request, connection, acquisition, program.progress);
      });
}

Result<void> RunBucket(Program& program, RecordsOptions& options) {
  const auto place = live::aws::ParseS3Url(options.url);
  if (!place) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no s3://BUCKET/PREFIX", options.url));
  }
  options.bucket.bucket = place->bucket;
  options.bucket.prefixes = {place->key};
  options.bucket.case_directory = options.common.case_directory;
  options.common.kind = "bucket";
  options.common.target = options.url;
  return RunAcquisition(
      program, options.common, "S3", [&](Connection& connection, Acquisition& acquisition) {
        return cloud::AcquireBucket(options.bucket, connection, acquisition, program.progress);
      });
}

using Run = Result<void> (*)(Program&, RecordsOptions&);

void SetAction(CLI::App& verb, Program& program, const std::shared_ptr<RecordsOptions>& options,
               Run run) {
  AddAcquireAwsOptions(verb, program, options->common);
  verb.callback([&program, options, run] {
    program.action = [&program, options, run] { return run(program, *options); };
  });
}

void AddLogs(Program& program) {
  CLI::App* verb = AcquireGroup(program)->add_subcommand("logs", "log groups of CloudWatch Logs");
  verb->footer(
      "Examples:\n"
      "  ekshume acquire logs --cluster prod --start 48h --case incident-42\n"
      "  ekshume acquire logs /aws/vpc/flow --start 2026-11-24T20:00:00Z --end "
      "2026-11-24T23:00:00Z \\\n"
      "    --output-folder flow\n"
      "  ekshume acquire logs --cluster prod --start 30d --export-to s3://evidence/logs --case x");
  const auto options = std::make_shared<RecordsOptions>();
  verb->add_option("groups", options->logs.groups, "log groups")->type_name("GROUP...");
  verb->add_option("--cluster", options->logs.cluster,
                   "the control plane's log group of this EKS cluster")
      ->type_name("NAME");
  verb->add_option("--stream", options->logs.stream, "only this stream")->type_name("NAME");
  verb->add_option("--stream-prefix", options->logs.stream_prefix,
                   "only streams that begin so (kube-apiserver-audit)")
      ->type_name("TEXT");
  verb->add_option("--filter", options->logs.pattern, "a filter pattern of CloudWatch")
      ->type_name("PATTERN");
  verb->add_option("--window-minutes", options->logs.window_minutes,
                   "minutes of each file (default 60)")
      ->check(CLI::Range(1, 100000));
  verb->add_option("--export-to", options->logs.export_to,
                   "let CloudWatch write it into a bucket (CreateExportTask), and fetch that")
      ->type_name("S3-URL");
  AddRangeOptions(*verb, options->range);
  SetAction(*verb, program, options, RunLogs);
}

void AddTrail(Program& program) {
  CLI::App* verb = AcquireGroup(program)->add_subcommand(
      "trail", "CloudTrail: the event history, or a trail's bucket with its digests");
  verb->footer(
      "The event history has management events of 90 days and is slow (two calls a second); a\n"
      "trail's bucket has all that the trail records, and digests that prove it is whole.\n"
      "Examples:\n"
      "  ekshume acquire trail --start 7d --attribute Username=mallory --case incident-42\n"
      "  ekshume acquire trail --s3 s3://org-trail --account 123456789012 --start 7d --case x");
  const auto options = std::make_shared<RecordsOptions>();
  verb->add_option("--attribute", options->trail.attribute,
                   "only events with this: Username, AccessKeyId, EventName, ResourceName, ...")
      ->type_name("KEY=VALUE");
  verb->add_option("--s3", options->trail.s3, "the trail's bucket and prefix (before AWSLogs/)")
      ->type_name("S3-URL");
  verb->add_option("--account", options->trail.account, "whose folders (default: ours)")
      ->type_name("ID");
  verb->add_option("--trail-region", options->trail.regions,
                   "which regions' folders (may be repeated; default: --region)")
      ->type_name("REGION")
      ->allow_extra_args(false);
  AddRangeOptions(*verb, options->range);
  SetAction(*verb, program, options, RunTrail);
}

void AddFindings(Program& program) {
  CLI::App* verb =
      AcquireGroup(program)->add_subcommand("findings", "findings of GuardDuty in one region");
  verb->footer(
      "Examples:\n"
      "  ekshume acquire findings --case incident-42\n"
      "  ekshume acquire findings --start 7d --min-severity 4 --output-folder findings");
  const auto options = std::make_shared<RecordsOptions>();
  verb->add_option("--min-severity", options->findings.min_severity, "4 medium, 7 high")
      ->check(CLI::Range(0.0, 10.0));
  AddRangeOptions(*verb, options->range);
  SetAction(*verb, program, options, RunFindings);
}

void AddBucket(Program& program) {
  CLI::App* verb = AcquireGroup(program)->add_subcommand("bucket", "the objects below a prefix");
  verb->footer(
      "Objects that the same case acquired before, with the same entity tag, are not fetched "
      "again.\n"
      "Examples:\n"
      "  ekshume acquire bucket s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/ --case "
      "incident-42");
  const auto options = std::make_shared<RecordsOptions>();
  verb->add_option("url", options->url, "s3://BUCKET/PREFIX")->required()->type_name("S3-URL");
  verb->add_option("--threads", options->bucket.threads, "objects fetched at a time (default 8)")
      ->check(CLI::Range(1, 64));
  SetAction(*verb, program, options, RunBucket);
}

}  // namespace

void AddAcquireRecordsVerbs(Program& program) {
  AddLogs(program);
  AddTrail(program);
  AddFindings(program);
  AddBucket(program);
}

}  // namespace ekshume::cli
