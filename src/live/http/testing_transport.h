// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "live/http/transport.h"

namespace ekshume::live::http {

// For tests: answers from a list, in order; what was asked is kept.
class TestTransport final : public Transport {
 public:
  Result<Answer> Send(const Request& request) override {
    const std::lock_guard lock(mutex_);
    requests.push_back(request);
    if (respond) return respond(request);
    if (answers.empty()) return Fail(ErrorCode::kIo, "no connection");
    Result<Answer> answer = std::move(answers.front());
    answers.pop_front();
    if (answer && answer->status / 100 == 2 && request.sink) {
      EKSHUME_TRY(request.sink(ByteView::Of(answer->body)));
    }
    return answer;
  }
  void Add(int status, std::string body, Headers headers = {}) {
    answers.emplace_back(Answer{status, std::move(headers), std::move(body)});
  }
  void AddCut() { answers.emplace_back(Fail(ErrorCode::kIo, "the connection was closed")); }

  std::deque<Result<Answer>> answers;
  std::function<Result<Answer>(const Request&)> respond;
  std::vector<Request> requests;

 private:
  std::mutex mutex_;
};

}  // namespace ekshume::live::http
