// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "collect/http_put.h"
#include "collection/byte_sink.h"

namespace ekshume::collect {

// What became of one part.
struct SentPart {
  size_t number = 0;  // from 1
  size_t bytes = 0;
  std::string sha256;  // hexadecimal
  std::string etag;    // what CompleteMultipartUpload wants
};

// Where a part goes (number from 1), asked for before each try; an error when there is no more.
using UrlOfPart = std::function<Result<Url>(size_t number)>;

// Sends a stream to presigned URLs, one for each part of `part_bytes` (the last may be shorter), in
// their order: those of S3's UploadPart, or of objects of their own. Keeps one part in memory and
// nothing on disk. A part that fails is sent again, up to kTries times with growing pauses; what
// the server refuses for good (expired, denied) is an error that says so without the URL's query.
class PartSink : public collection::ByteSink {
 public:
  static constexpr int kTries = 6;
  static constexpr size_t kMinPartBytes = size_t{5} << 20;   // S3's least, but for the last part
  static constexpr size_t kMaxPartBytes = size_t{32} << 20;  // it is kept in memory

  // `sent` is called after each part. `pause_milliseconds` is the first pause; tests make it short.
  PartSink(HttpPut& http, UrlOfPart url_of_part, size_t part_bytes,
           std::function<void(const SentPart&)> sent, int pause_milliseconds = 500);
  Result<void> Write(ByteView bytes) override;
  // Sends the last part.
  Result<void> Finish();

 private:
  Result<void> SendPart();

  HttpPut& http_;
  const UrlOfPart url_of_part_;
  const size_t part_bytes_;
  const std::function<void(const SentPart&)> sent_;
  const int pause_milliseconds_;
  std::string part_;
  size_t number_ = 0;
};

}  // namespace ekshume::collect
