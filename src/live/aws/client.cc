// SPDX-License-Identifier: Apache-2.0
#include "live/aws/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>

#include "base/clock.h"
#include "base/hash.h"
#include "base/wait.h"
#include "live/http/date.h"

namespace ekshume::live::aws {
namespace {

using std::chrono::milliseconds;

// How often new credentials are asked for, or the clock is corrected, in one call.
constexpr int kMaxRefreshes = 2;
// A clock that differs by less is not the reason for a refusal; services allow five minutes.
constexpr int64_t kSkewThatMatters = 60'000;
// What a sink may have received of a call that failed.
constexpr milliseconds kNothingAsked{0};

milliseconds RetryAfter(const http::Answer& answer) {
  const std::string_view text = answer.Header("retry-after");
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return kNothingAsked;
  return std::chrono::seconds(std::clamp(seconds, 0, 120));
}

ErrorCode CodeOf(const ServiceError& error) {
  return error.kind == FailureKind::kNotFound ? ErrorCode::kNotFound : ErrorCode::kIo;
}

// Anything between half of `wait` and all of it, so that clients which failed together do not come
// back together.
milliseconds WithJitter(milliseconds wait) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto half = wait.count() / 2;
  return milliseconds(half + static_cast<int64_t>(random() % static_cast<uint64_t>(half + 1)));
}

}  // namespace

Client::Client(http::Transport& transport, CredentialSource& credentials, ClientSettings settings)
    : transport_(transport), credentials_(credentials), settings_(std::move(settings)) {}

Timestamp Client::ServiceTime() const {
  const int64_t now = Milliseconds(Now()) + offset_ms_.load();
  return TimestampFromNanoseconds(now * 1'000'000);
}

void Client::LearnClock(const http::Answer& answer, Timestamp sent, Timestamp received) const {
  const std::optional<Timestamp> date = http::ParseHttpDate(answer.Header("date"));
  if (!date) return;
  const int64_t middle = (Milliseconds(sent) + Milliseconds(received)) / 2;
  // The header has whole seconds, cut off: half a second is added.
  const int64_t offset = Milliseconds(*date) + 500 - middle;
  offset_ms_.store(std::abs(offset) < 1000 ? 0 : offset);
}

Result<http::Answer> Client::SendOnce(const Call& call, const Endpoint& endpoint,
                                      Credentials& used) const {
  SignedRequest to_sign;
  to_sign.method = call.method;
  to_sign.host = call.host.empty() ? endpoint.host : call.host;
  to_sign.path = endpoint.path + call.path;
  to_sign.query = call.query;
  to_sign.headers = call.headers;
  to_sign.payload_sha256 = ToHex(Sha256::Of(ByteView::Of(call.body)));
  if (call.is_signed) {
    used = EKSHUME_TRY(credentials_.Get());
    SignHeaders(to_sign, used,
                {call.region.empty() ? settings_.region : call.region,
                 call.signing.empty() ? call.service : call.signing},
                ServiceTime());
  }
  http::Request request;
  request.method = call.method;
  request.url = fmt::format("{}://{}{}", endpoint.scheme, to_sign.host, EncodePath(to_sign.path));
  if (!call.query.empty()) request.url += "?" + EncodeQuery(call.query);
  request.headers = std::move(to_sign.headers);
  request.body = call.body;
  request.timeout = call.timeout;
  request.sink = call.sink;
  const Timestamp sent = Now();
  http::Answer answer = EKSHUME_TRY(transport_.Send(request));
  LearnClock(answer, sent, Now());
  return answer;
}

Result<void> Client::WaitBeforeRetry(const Call& call, int attempt, std::string_view why,
                                     milliseconds asked) const {
  if (settings_.diagnostics != nullptr) {
    settings_.diagnostics->Report(DiagnosticCode::kAcquireRetried, call.permission,
                                  std::string(why));
  }
  milliseconds wait = settings_.first_wait;
  for (int i = 1; i < attempt && wait < settings_.longest_wait; ++i) wait *= 2;
  wait = std::max(WithJitter(std::min(wait, settings_.longest_wait)), asked);
  if (settings_.wait) {
    settings_.wait(wait);
  } else {
    return Wait(wait, settings_.progress);
  }
  if (settings_.progress != nullptr && settings_.progress->cancelled()) {
    return Fail(ErrorCode::kCancelled, "stopped");
  }
  return {};
}

Result<http::Answer> Client::Send(const Call& original, ServiceError* failure) const {
  Call call = original;
  bool received = false;
  if (call.sink) {
    call.sink = [&received, &original](ByteView bytes) {
      received = true;
      return original.sink(bytes);
    };
  }
  const Endpoint endpoint = EKSHUME_TRY(ResolveEndpoint(
      settings_.endpoints, call.service, call.region.empty() ? settings_.region : call.region));
  int refreshes = 0;
  for (int attempt = 1;; ++attempt) {
    Credentials used;
    const int64_t offset_before = offset_ms_.load();
    Result<http::Answer> answer = SendOnce(call, endpoint, used);
    if (answer && answer->status >= 200 && answer->status < 300) return answer;

    std::string why;
    milliseconds asked = kNothingAsked;
    ErrorCode code = ErrorCode::kIo;
    bool again = false;
    if (!answer) {
      code = answer.error().code;
      why = fmt::format("{}: {}", call.permission, answer.error().message);
      again = code == ErrorCode::kIo && call.is_repeatable;
    } else {
      const ServiceError error = ReadServiceError(*answer, call.permission);
      if (failure != nullptr) *failure = error;
      code = CodeOf(error);
      why = Sentence(error, call.permission);
      asked = RetryAfter(*answer);
      again = error.kind == FailureKind::kThrottled ||
              (error.kind == FailureKind::kServer && call.is_repeatable);
      // Also a signature that does not match may come of a clock that was wrong until this answer.
      const bool clock_corrected =
          std::abs(offset_ms_.load() - offset_before) > kSkewThatMatters &&
          (error.kind == FailureKind::kClock || error.status == 403 || error.status == 400);
      if ((error.kind == FailureKind::kExpired || clock_corrected) && call.is_signed &&
          refreshes < kMaxRefreshes) {
        ++refreshes;
        again = true;
        if (error.kind == FailureKind::kExpired) credentials_.Forget(used);
      }
    }
    if (!again || attempt >= settings_.max_attempts) {
      if (again) why += fmt::format(" ({} attempts)", attempt);
      return Fail(code, std::move(why));
    }
    if (received) {
      if (!call.restart) return Fail(code, std::move(why));
      EKSHUME_TRY(call.restart());
      received = false;
    }
    EKSHUME_TRY(WaitBeforeRetry(call, attempt, why, asked));
  }
}

}  // namespace ekshume::live::aws
