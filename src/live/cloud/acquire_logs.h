// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/aws/connection.h"
#include "live/cloud/moment.h"

// Records out of CloudWatch Logs, CloudTrail's event history and GuardDuty, each into files of JSON
// lines that `investigate` reads. What fails is told to the acquisition, and the rest goes on.
namespace ekshume::live::cloud {

struct LogsRequest {
  std::vector<std::string> groups;  // log groups
  std::string cluster;              // also all of /aws/eks/CLUSTER/cluster
  std::string stream;               // only this stream (GetLogEvents), or ""
  std::string stream_prefix;        // only streams that begin so, or ""
  std::string pattern;              // a filter pattern of CloudWatch, or ""
  TimeRange range;
  int window_minutes = 60;  // one file for each
  std::string export_to;    // s3://BUCKET/PREFIX: by CreateExportTask instead, or ""
};
// GROUP/TIME.jsonl with the events of one window each, as FilterLogEvents gives them with the
// group's name added.
Result<void> AcquireLogs(const LogsRequest& request, aws::Connection& connection,
                         Acquisition& acquisition, Progress& progress);

struct TrailRequest {
  TimeRange range;
  std::string attribute;  // "Username=mallory", or ""
  std::string s3;         // s3://BUCKET/PREFIX of a trail: its objects and digests instead, or ""
  std::string account;    // of the trail's folders; "": ours
  std::vector<std::string> regions;  // of the trail's folders; none: the client's
};
// lookup-events.jsonl as LookupEvents gives them (at most two calls a second, 90 days), or the
// trail's objects under their keys.
Result<void> AcquireTrail(const TrailRequest& request, aws::Connection& connection,
                          Acquisition& acquisition, Progress& progress);

struct FindingsRequest {
  TimeRange range;  // updated in it
  double min_severity = 0;
};
// findings.jsonl of all detectors of the region.
Result<void> AcquireFindings(const FindingsRequest& request, aws::Connection& connection,
                             Acquisition& acquisition, Progress& progress);

}  // namespace ekshume::live::cloud
