// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/hash.h"
#include "base/progress.h"
#include "image/image.h"

namespace ekshume::image {

// The SHA-256 of evidence as it is stored.
struct EvidenceHash {
  struct File {
    std::string path;
    uint64_t size_bytes = 0;
    Sha256Digest sha256{};
    bool changed = false;  // its size or time changed while it was read
  };
  std::vector<File> files;  // in the order that was given
  uint64_t size_bytes = 0;  // of all together
  Sha256Digest sha256{};    // of all their bytes in order, as one stream
};

// Hashes files on a thread of its own while others read them. Holes are not read.
class EvidenceHasher {
 public:
  // `progress` may be null; else it is counted up and its cancellation is heeded, and it must
  // outlive the hasher.
  static std::unique_ptr<EvidenceHasher> Start(std::vector<std::string> files,
                                               Progress* progress = nullptr);
  EvidenceHasher(const EvidenceHasher&) = delete;
  EvidenceHasher& operator=(const EvidenceHasher&) = delete;
  // Cancels and waits.
  ~EvidenceHasher();

  // Makes Wait return kCancelled soon. From any thread.
  void Cancel() { cancelled_ = true; }
  // The result, when all is hashed; may be called once. kIo with the offset when a part of a file
  // cannot be read: no digest can stand for it then. kCancelled.
  Result<EvidenceHash> Wait();

 private:
  EvidenceHasher(std::vector<std::string> files, Progress* progress);
  Result<EvidenceHash> Run() const;
  bool IsCancelled() const;

  const std::vector<std::string> files_;
  Progress* const progress_;
  std::atomic<bool> cancelled_{false};
  Result<EvidenceHash> result_;
  std::thread thread_;  // last: it uses the others
};

// The SHA-256 of an image's content: of a compressed image, what decompressing it would give.
// Known zeros are not read. kCorrupt or kIo with the offset; kCancelled.
Result<Sha256Digest> HashContent(const Image& image, Progress* progress = nullptr);

}  // namespace ekshume::image
