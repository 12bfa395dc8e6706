// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "log/carrier/unpack.h"
#include "log/cloudtrail_digest/verify.h"

namespace ekshume::casefile {

// Gathers, while logs are read, what holding CloudTrail's log files against its digests needs: of
// log files their hashes, of digests what they say. Besides the digests themselves it takes
//
//   X_CloudTrail-Digest_Y.json.gz.metadata.json   what `aws s3api head-object` prints of a digest,
//                                                  which holds its signature
//   what `aws cloudtrail list-public-keys` prints  the keys that signatures are checked with
//
// which are no logs. One thread.
class DigestCheck {
 public:
  // Log files, and log files that digests name, which are kept at most: about 200 bytes each.
  static constexpr size_t kMaxDigestEntries = 1000000;
  explicit DigestCheck(size_t most_entries = kMaxDigestEntries) : most_(most_entries) {}

  // Looks at a leaf and gives it to `read`, which reads the leaf it is given to its end; not when
  // it is one of the two that are no logs. Returns what `read` returns.
  Result<void> Read(const log::Leaf& leaf,
                    const std::function<Result<void>(const log::Leaf&)>& read);
  // A log file that is in the case already and is not hashed now.
  void AddUnread(const std::string& name);

  // Whether files of this name matter here.
  static bool IsTrailFile(std::string_view path);
  // Whether they are digests, or what belongs to one.
  static bool IsDigestFile(std::string_view path);
  // Says that digests are among what is read. Until then log files are hashed only when they are
  // inside of archives: hashing all that was unpacked takes a tenth of the time of reading it.
  void Expect() { expected_ = true; }
  bool has_digests() const { return !digests_.empty(); }
  bool has_files() const { return !files_.empty(); }

  // Reports what the digests say of the files (log/cloudtrail_digest/verify.h); nothing without
  // digests.
  void Verify(DiagnosticSink& diagnostics);

 private:
  bool Full(size_t count);

  const size_t most_;
  bool expected_ = false;
  size_t entries_ = 0;
  bool left_out_ = false;
  std::vector<log::cloudtrail_digest::Digest> digests_;
  std::vector<log::cloudtrail_digest::StoredLogFile> files_;
  std::vector<log::cloudtrail_digest::PublicKey> keys_;
  std::map<std::string, std::string, std::less<>> signatures_;  // by the digest's file name
};

}  // namespace ekshume::casefile
