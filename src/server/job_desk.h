// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "server/case_service.h"
#include "server/job.h"

namespace ekshume::server {

// Runs jobs of one kind for the page, one at a time: who asked, how far it is, how it ended. All
// browsers are told, and starts, stops and ends are in the custody ledger. Any thread.
class JobDesk {
 public:
  struct Task {
    std::string action;  // as the ledger names it
    std::string analyst;
    casefile::Json about;  // what the ledger and the page shall know of it
    JobRequest request;    // its on_change is ours
  };
  enum class Started { kYes, kBusy };

  // `kind`, a literal, is the name of the messages to browsers. `before` is called ahead of each
  // job, and `after` when it ended or could not be started; its error becomes a line of the job.
  JobDesk(CaseService& service, std::string_view kind, std::function<Result<void>()> before,
          std::function<Result<void>()> after)
      : service_(service), kind_(kind), before_(std::move(before)), after_(std::move(after)) {}
  // Stops what runs, and waits for it.
  ~JobDesk();
  JobDesk(const JobDesk&) = delete;
  JobDesk& operator=(const JobDesk&) = delete;

  Result<Started> Start(Task task);
  // Asks what runs to stop. False when nothing does.
  Result<bool> Stop(const std::string& analyst);
  // For the page: state ("idle", "running", "ended"), about, by, started, ended, stage, bytes,
  // total_bytes, items, percent, stop_was_asked, exit_code, outcome ("done", "done_with_losses",
  // "stopped", "failed"), lines, dropped_lines.
  casefile::Json State() const;

 private:
  void Changed(const JobState& state);
  casefile::Json StateLocked(bool with_lines) const;

  CaseService& service_;
  const std::string_view kind_;
  const std::function<Result<void>()> before_;
  const std::function<Result<void>()> after_;
  std::mutex starting_;  // held while a job is started; before mutex_
  mutable std::mutex mutex_;
  bool is_running_ = false;
  Task task_;  // the newest
  JobState state_;
  std::string started_;
  std::string ended_;
  std::unique_ptr<Job> job_;
};

}  // namespace ekshume::server
