// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/aws/connection.h"
#include "live/aws/s3.h"

// The collector run where only a command can be sent: on a node through SSM, in a task through ECS
// Exec. It comes from a bucket and its archive goes there, in parts; then the archive is fetched.
namespace ekshume::live::cloud {

struct RemoteCollectionRequest {
  std::string upload_to;               // s3://BUCKET/PREFIX that both sides reach
  std::string collector;               // the static program to run there, a file of ours
  std::vector<std::string> arguments;  // for the collector
  int parts = 640;                     // URLs for parts; 16 MiB each by the collector's default
  int url_minutes = 360;               // how long parts can be put
};

// What was prepared. The part URLs are credentials: they lie in an object, and the script, which
// SSM's history and CloudTrail show, holds only the URL that reads it, for fifteen minutes.
struct PreparedCollection {
  aws::S3Place archive;
  std::string upload_id;
  std::string script;  // for sh
};

// Uploads the collector and the list of URLs, begins the upload of the archive. Errors of S3 and of
// files; kInvalidArgument.
Result<PreparedCollection> PrepareCollection(const RemoteCollectionRequest& request,
                                             const std::string& name, const aws::Client& client,
                                             aws::ServiceError& failure);

// Completes the upload and fetches the archive as `name`.ekc, verified against the entity tags of
// its parts. kNotFound when no part came.
Result<void> FetchCollection(const PreparedCollection& prepared, const std::string& name,
                             const aws::Client& client, Acquisition& acquisition,
                             Progress& progress, aws::ServiceError& failure);

struct NodeRequest {
  std::string instance;  // i-...
  int timeout_minutes = 120;
  RemoteCollectionRequest collection;
};
// By SSM SendCommand.
Result<void> AcquireNodeBySsm(const NodeRequest& request, aws::Connection& connection,
                              Acquisition& acquisition, Progress& progress);

struct TaskRequest {
  std::string cluster;
  std::string task;
  std::string container;
  RemoteCollectionRequest collection;
};
// By ECS Exec, whose channel session-manager-plugin speaks; kUnsupported without it, and with what
// must be enabled when the task does not allow it.
Result<void> AcquireTask(const TaskRequest& request, aws::Connection& connection,
                         Acquisition& acquisition, Progress& progress);

}  // namespace ekshume::live::cloud
