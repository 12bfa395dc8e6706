// SPDX-License-Identifier: Apache-2.0
#include "collect/part_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/text.h"

namespace ekshume::collect {
namespace {

// Statuses after which the same request may succeed: too slow, too many, the server's trouble.
bool MayTryAgain(int status) { return status == 408 || status == 429 || status >= 500; }

// <Code>SlowDown</Code> of S3's answers, or nothing.
std::string CodeOf(const std::string& body) {
  const size_t begin = body.find("<Code>");
  const size_t end = body.find("</Code>");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return body.substr(begin + 6, std::min<size_t>(end - begin - 6, 100));
}

}  // namespace

PartSink::PartSink(HttpPut& http, UrlOfPart url_of_part, size_t part_bytes,
                   std::function<void(const SentPart&)> sent, int pause_milliseconds)
    : http_(http),
      url_of_part_(std::move(url_of_part)),
      part_bytes_(part_bytes),
      sent_(std::move(sent)),
      pause_milliseconds_(pause_milliseconds) {
  part_.reserve(part_bytes_);
}

Result<void> PartSink::Write(ByteView bytes) {
  while (!bytes.empty()) {
    const ByteView piece = bytes.First(part_bytes_ - part_.size());
    part_.append(piece.AsText());
    bytes = bytes.From(piece.size());
    if (part_.size() == part_bytes_) EKSHUME_TRY(SendPart());
  }
  return {};
}

Result<void> PartSink::Finish() {
  if (part_.empty()) return {};
  return SendPart();
}

Result<void> PartSink::SendPart() {
  std::string why;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    if (attempt > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(pause_milliseconds_ << (attempt - 1)));
    }
    const Url url = EKSHUME_TRY(url_of_part_(number_ + 1));
    const Result<PutAnswer> answer = http_.Put(url, ByteView::Of(part_));
    if (!answer) {
      why = answer.error().message;
      continue;
    }
    if (answer->status >= 200 && answer->status < 300) {
      ++number_;
      sent_({.number = number_,
             .bytes = part_.size(),
             .sha256 = ToHex(Sha256::Of(ByteView::Of(part_))),
             .etag = answer->etag});
      part_.clear();
      return {};
    }
    const std::string code = EscapeForTerminal(CodeOf(answer->body));
    why =
        fmt::format("{} answered {}{}{}", url.host, answer->status, code.empty() ? "" : " ", code);
    // RequestTimeout comes as 400, and means that the body was too slow.
    if (!MayTryAgain(answer->status) && code != "RequestTimeout") {
      if (answer->status == 403) why += " (the URL expired, or its maker may not write there)";
      break;
    }
  }
  return Fail(ErrorCode::kIo, fmt::format("part {} was not sent: {}", number_ + 1, why));
}

}  // namespace ekshume::collect
