// SPDX-License-Identifier: Apache-2.0
#include "live/operator/controller.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "base/text.h"
#include "base/wait.h"

namespace ekshume::live::operators {
namespace {

using kubernetes::Client;
using kubernetes::PathOf;

// Also how long a claim of an operator that is gone may go unnoticed.
constexpr int kWatchSeconds = 50;
constexpr std::chrono::seconds kRenewal{20};
constexpr std::chrono::seconds kPauseAfterError{3};
constexpr int kConflicts = 5;
constexpr const char* kMergePatch = "application/merge-patch+json";

class Controller {
 public:
  Controller(const ControllerOptions& options, Client& client, std::unique_ptr<Client> steady,
             const Progress& progress)
      : options_(options),
        client_(client),
        steady_(std::move(steady)),
        progress_(progress),
        list_path_(
            PathOf({"apis", kGroup, kVersion, "namespaces", options.in_namespace, kPlural})) {}

  Result<void> Run() {
    for (;;) {
      if (progress_.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
      const auto listed = List();
      if (!listed) {
        // A missing permission or definition does not come by itself.
        if (options_.once || listed.error().code == ErrorCode::kUnsupported) return listed.error();
        options_.say(listed.error().message);
        EKSHUME_TRY(Wait(kPauseAfterError, &progress_));
        continue;
      }
      bool did_something = false;
      for (const Checkpoint& checkpoint : checkpoints_) {
        if (!IsWaiting(checkpoint, options_.identity, options_.now()) || IsPodTaken(checkpoint)) {
          continue;
        }
        did_something = true;
        EKSHUME_TRY(Do(checkpoint));
        break;  // much may have changed meanwhile: look again
      }
      if (did_something) continue;
      if (options_.once) return {};
      WatchUntilSomethingWaits();
    }
  }

 private:
  Result<void> List() {
    checkpoints_.clear();
    const Json list = EKSHUME_TRY(client_.Get(list_path_));
    for (const Json& item : wire::ArrayOf(list, "items")) {
      checkpoints_.push_back(ReadCheckpoint(item));
    }
    list_version_ = wire::TextOf(wire::ObjectOf(list, "metadata"), "resourceVersion");
    return {};
  }

  // Whether another operator is at the same pod. Of two that began at once, the older object goes
  // on.
  bool IsPodTaken(const Checkpoint& wanted, bool is_ours = false) const {
    for (const Checkpoint& other : checkpoints_) {
      if (other.uid == wanted.uid || other.pod != wanted.pod ||
          other.pod_namespace != wanted.pod_namespace || other.phase != "Running" ||
          IsWaiting(other, options_.identity, options_.now())) {
        continue;
      }
      if (!is_ours || other.uid < wanted.uid) return true;
    }
    return false;
  }

  std::string StatusPath(const Checkpoint& checkpoint) const {
    return list_path_ + PathOf({checkpoint.name, "status"});
  }

  // Changes the status if the object is still what we know of it.
  Result<void> Patch(Checkpoint& checkpoint, const Json& status) {
    const Json body = {{"metadata", {{"resourceVersion", checkpoint.resource_version}}},
                       {"status", status}};
    const Json changed = EKSHUME_TRY(steady_->Patch(StatusPath(checkpoint), body, kMergePatch));
    checkpoint.resource_version =
        wire::TextOf(wire::ObjectOf(changed, "metadata"), "resourceVersion");
    return {};
  }

  // The same while we hold it, whatever else changed on the object.
  Result<void> PatchOurs(Checkpoint& checkpoint, const Json& status) {
    for (int i = 1;; ++i) {
      const auto patched = Patch(checkpoint, status);
      if (patched || i == kConflicts || !kubernetes::IsConflict(patched.error())) return patched;
      const Checkpoint now =
          ReadCheckpoint(EKSHUME_TRY(steady_->Get(list_path_ + PathOf({checkpoint.name}))));
      if (now.uid != checkpoint.uid || now.holder != options_.identity) {
        return Fail(ErrorCode::kIo, "another operator has it now");
      }
      checkpoint.resource_version = now.resource_version;
    }
  }

  std::string NameOf(const Checkpoint& checkpoint) const {
    return EscapeForTerminal(fmt::format("{}/{}", checkpoint.in_namespace, checkpoint.name));
  }

  // Only to be stopped is an error; all else is in the object's status.
  Result<void> Do(Checkpoint checkpoint) {
    const int64_t attempts = checkpoint.attempts + 1;
    const auto claimed =
        Patch(checkpoint, ClaimedStatus(options_.identity, attempts, options_.now()));
    if (!claimed) {
      // Somebody was faster, or it was changed: the next list says.
      if (kubernetes::IsConflict(claimed.error())) return {};
      options_.say(fmt::format("{}: {}", NameOf(checkpoint), claimed.error().message));
      if (claimed.error().code == ErrorCode::kUnsupported) return claimed.error();
      return Wait(kPauseAfterError, &progress_);
    }
    if (const auto again = List(); again && IsPodTaken(checkpoint, true)) {
      static_cast<void>(PatchOurs(checkpoint, ReleasedStatus(attempts - 1)));
      return Wait(kPauseAfterError, &progress_);
    }
    options_.say(fmt::format("{}: acquiring {}/{}", NameOf(checkpoint),
                             EscapeForTerminal(checkpoint.pod_namespace),
                             EscapeForTerminal(checkpoint.pod)));
    Result<End> end = Acquire(checkpoint, attempts);
    if (!end && end.error().code == ErrorCode::kCancelled) {
      static_cast<void>(PatchOurs(checkpoint, ReleasedStatus(attempts - 1)));
      return end.error();
    }
    if (!end) end = EndOf(end.error());
    options_.say(fmt::format("{}: {}: {}", NameOf(checkpoint), end->reason, end->message));
    const auto told = PatchOurs(checkpoint, EndedStatus(*end, options_.now()));
    if (!told) options_.say(fmt::format("{}: {}", NameOf(checkpoint), told.error().message));
    return {};
  }

  static End EndOf(const Error& error) {
    End end;
    end.message = error.message;
    switch (error.code) {
      case ErrorCode::kInvalidArgument: end.reason = "Invalid"; break;
      case ErrorCode::kNotFound: end.reason = "NotFound"; break;
      case ErrorCode::kUnsupported: end.reason = "Denied"; break;
      default: end.reason = "Error"; break;
    }
    return end;
  }

  Result<End> Acquire(Checkpoint& checkpoint, int64_t attempts) {
    if (attempts > kMostAttempts) {
      return End{
          .reason = "Interrupted",
          .message = fmt::format("operators ended {} times while they did it", kMostAttempts)};
    }
    const aws::S3Place place =
        EKSHUME_TRY(PlaceOf(checkpoint, options_.destinations, options_.now()));
    // Renews the claim meanwhile. Nobody else touches `checkpoint` until it has ended.
    const Checkpoint wanted = checkpoint;
    std::mutex mutex;
    std::condition_variable_any changed;
    std::jthread renewal([&](const std::stop_token& stop) {
      std::unique_lock lock(mutex);
      while (!changed.wait_for(lock, stop, kRenewal, [] { return false; }) &&
             !stop.stop_requested()) {
        static_cast<void>(PatchOurs(checkpoint, RenewedStatus(options_.now())));
      }
    });
    Result<End> end = options_.acquire(wanted, place);
    renewal.request_stop();
    renewal.join();
    return end;
  }

  // Returns when something waits, when the watch ends, or when it fails: the list is read again
  // then, so that a version that became too old (410) needs nothing else.
  void WatchUntilSomethingWaits() {
    std::string rest;
    bool found = false;
    const std::string query =
        fmt::format("watch=1&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                    kWatchSeconds, list_version_);
    const auto ended = client_.GetText(list_path_, query, [&](ByteView bytes) -> Result<void> {
      rest += bytes.AsText();
      size_t begin = 0;
      for (size_t end = 0; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const Json event =
            Json::parse(std::string_view(rest).substr(begin, end - begin), nullptr, false);
        const std::string type = wire::TextOf(event, "type");
        if (type == "BOOKMARK" || type == "DELETED") continue;
        if (type != "ERROR" && !IsWaiting(ReadCheckpoint(wire::ObjectOf(event, "object")),
                                          options_.identity, options_.now())) {
          continue;
        }
        found = true;
        return Fail(ErrorCode::kCancelled, "something waits");
      }
      rest.erase(0, begin);
      if (rest.size() <= limits::kMaxDocumentBytes) return {};
      return Fail(ErrorCode::kLimit, "an event of the watch is too large (kMaxDocumentBytes)");
    });
    if (found || ended) return;
    options_.say(ended.error().message);
    static_cast<void>(Wait(kPauseAfterError, &progress_));
  }

  const ControllerOptions& options_;
  Client& client_;
  const std::unique_ptr<Client> steady_;  // goes on after Ctrl-C, to say what became of it
  const Progress& progress_;
  const std::string list_path_;
  std::vector<Checkpoint> checkpoints_;
  std::string list_version_;
};

}  // namespace

Result<void> RunController(const ControllerOptions& options, Client& client,
                           std::unique_ptr<Client> steady, const Progress& progress) {
  return Controller(options, client, std::move(steady), progress).Run();
}

}  // namespace ekshume::live::operators
