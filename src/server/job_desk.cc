// SPDX-License-Identifier: Apache-2.0
#include "server/job_desk.h"

#include <algorithm>

#include "base/clock.h"
#include "base/time.h"

namespace ekshume::server {

using casefile::Json;

namespace {

std::string_view OutcomeOf(const JobState& state) {
  switch (*state.exit_code) {
    case 0: return "done";
    case 1: return "done_with_losses";
    default: return state.stop_was_asked ? "stopped" : "failed";
  }
}

}  // namespace

JobDesk::~JobDesk() {
  const std::lock_guard starting(starting_);
  job_.reset();
}

Result<JobDesk::Started> JobDesk::Start(Task task) {
  const std::lock_guard starting(starting_);
  {
    const std::lock_guard lock(mutex_);
    if (is_running_) return Started::kBusy;
  }
  job_.reset();  // it ended; its thread may still be telling so
  EKSHUME_TRY(before_());
  JobRequest request = std::move(task.request);
  request.on_change = [this](const JobState& state) { Changed(state); };
  const auto start = [&]() -> Result<void> {
    // Before it begins: what is not in the ledger is not done.
    EKSHUME_TRY(
        service_.Record(task.action, task.analyst, {{"event", "started"}, {"of", task.about}}));
    {
      const std::lock_guard lock(mutex_);
      is_running_ = true;
      task_ = task;
      state_ = {};
      started_ = FormatTimestamp(Now());
      ended_.clear();
    }
    auto job = Job::Start(std::move(request));
    if (!job) {
      const std::lock_guard lock(mutex_);
      is_running_ = false;
      return job.error();
    }
    const std::lock_guard lock(mutex_);
    job_ = std::move(*job);
    return {};
  };
  if (const Result<void> started = start(); !started) {
    (void)after_();
    return started.error();
  }
  service_.changes().Send(casefile::Dump([&] {
                            const std::lock_guard lock(mutex_);
                            return StateLocked(false);
                          }()),
                          kind_);
  return Started::kYes;
}

Result<bool> JobDesk::Stop(const std::string& analyst) {
  std::string action;
  {
    const std::lock_guard lock(mutex_);
    if (!is_running_ || !job_) return false;
    action = task_.action;
  }
  // Ahead of the record of its end.
  EKSHUME_TRY(service_.Record(action, analyst, {{"event", "stop_asked"}}));
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    if (!is_running_ || !job_) return true;  // it ended meanwhile
    job_->Stop();
    state_.stop_was_asked = true;
    text = casefile::Dump(StateLocked(false));
  }
  service_.changes().Send(std::move(text), kind_);
  return true;
}

void JobDesk::Changed(const JobState& state) {
  JobState now = state;
  if (now.exit_code) {
    if (const Result<void> done = after_(); !done) now.lines.push_back(done.error().message);
    const Result<void> recorded = service_.Record(
        task_.action, task_.analyst,
        {{"event", "ended"}, {"exit_code", *now.exit_code}, {"outcome", OutcomeOf(now)}});
    if (!recorded) now.lines.push_back(recorded.error().message);
  }
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    state_ = std::move(now);
    if (state_.exit_code) {
      is_running_ = false;
      ended_ = FormatTimestamp(Now());
    }
    text = casefile::Dump(StateLocked(false));
  }
  service_.changes().Send(std::move(text), kind_);
}

Json JobDesk::State() const {
  const std::lock_guard lock(mutex_);
  return StateLocked(true);
}

Json JobDesk::StateLocked(bool with_lines) const {
  if (started_.empty()) return {{"state", "idle"}};
  Json json = {{"state", is_running_ ? "running" : "ended"},
               {"action", task_.action},
               {"by", task_.analyst},
               {"about", task_.about},
               {"started", started_},
               {"ended", ended_.empty() ? Json(nullptr) : Json(ended_)},
               {"stage", state_.stage},
               {"bytes", state_.bytes},
               {"total_bytes", state_.total_bytes},
               {"items", state_.items},
               {"percent", nullptr},
               {"stop_was_asked", state_.stop_was_asked},
               {"exit_code", nullptr},
               {"outcome", nullptr}};
  if (state_.total_bytes > 0) {
    json["percent"] = std::min(
        100.0, 100.0 * static_cast<double>(state_.bytes) / static_cast<double>(state_.total_bytes));
  }
  if (state_.exit_code) {
    json["exit_code"] = *state_.exit_code;
    json["outcome"] = OutcomeOf(state_);
  }
  if (with_lines) {
    json["lines"] = state_.lines;
    json["dropped_lines"] = state_.dropped_lines;
  }
  return json;
}

}  // namespace ekshume::server
