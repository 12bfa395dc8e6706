// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "base/diagnostic.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "casefile/atomic_file.h"
#include "casefile/case.h"

// One act of acquiring: the folder that receives what was acquired, and the record of it.
namespace ekshume::live {

struct AcquisitionOptions {
  // The case that receives it (its folder `acquired/`, its custody ledger), or "".
  std::string case_directory;
  // Where to put it when there is no case, or not there: a folder that is empty or does not exist
  // yet. "": in the case.
  std::string output_directory;
  std::string kind;                    // "pod", "node", "snapshot", "logs", ...
  std::string target;                  // what people call it: "shop/web-5d9", "snap-0123"
  std::vector<std::string> arguments;  // the command line, without anything secret
};

// Reports by kClockDiffers when a service's clock minus ours is so much that people would misread
// the order of what they did: two seconds.
void ReportClockOffset(std::string_view service, double seconds, DiagnosticSink& diagnostics);

// A file of the acquisition while it is written; hashed as it goes. Appears under its name only
// when Finish() was called. One thread at a time; any number of files of one acquisition at once.
class AcquiredFile {
 public:
  Result<void> Write(ByteView bytes);
  Result<void> Write(std::string_view text) { return Write(ByteView::Of(text)); }
  // Completes it and adds it to the acquisition's list.
  Result<void> Finish();
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  friend class Acquisition;
  AcquiredFile() = default;

  class Acquisition* acquisition_ = nullptr;
  std::unique_ptr<casefile::AtomicFile> file_;
  std::string name_;
  std::string origin_;
  std::string started_;
  Sha256 hash_;
  uint64_t size_bytes_ = 0;
};

// The folder's acquisition.json (docs/formats/acquisition.md) says what was acquired, from where,
// by whom, with which credentials, when, how, with which SHA-256, and what failed. Finish() writes
// it and appends it to the case's custody ledger; an acquisition that ends without Finish() leaves
// acquisition.json with "complete": false. Any number of threads.
class Acquisition {
 public:
  // Makes the folder. kInvalidArgument without a place for it, or when the folder holds something.
  static Result<std::unique_ptr<Acquisition>> Begin(const AcquisitionOptions& options,
                                                    DiagnosticSink& diagnostics);
  ~Acquisition();
  Acquisition(const Acquisition&) = delete;
  Acquisition& operator=(const Acquisition&) = delete;

  const std::string& directory() const { return directory_; }
  // The id of the case, or "".
  const std::string& case_id() const { return case_id_; }

  // Who the service says we are ("arn:aws:sts::...", "system:serviceaccount:..."), and which
  // credentials that came from ("profile ir", "kubeconfig context prod"); never a secret.
  void SetIdentity(std::string_view identity, std::string_view credentials);
  // Where it comes from: the API server's URL, the region, the account.
  void SetOrigin(std::string_view origin);
  // How: "node collector pod", "EBS direct API".
  void SetMethod(std::string_view method, std::string_view why);
  // The service's clock minus ours, in seconds, as its answers showed it; see
  // ReportClockOffset().
  void SetClockOffset(std::string_view service, double seconds);
  // Something about the acquired object that should stand in the record ("volume_id", "vol-...").
  void Note(std::string_view key, std::string_view value);

  // A new file. `name`: relative to the folder, with '/' between folders that are made as needed;
  // what is no safe name there is kInvalidArgument. `origin`: the call or path that it came from.
  Result<std::unique_ptr<AcquiredFile>> Create(std::string_view name, std::string_view origin);
  // A whole file at once.
  Result<void> Add(std::string_view name, std::string_view origin, std::string_view bytes);
  // A file that another wrote into the folder (a resumable image): it is read once for its hash.
  Result<void> AddWritten(std::string_view name, std::string_view origin);
  // What could not be had, and why. Reported as kAcquireFailed, or kAcquireDenied when `denied`
  // names the permission that is missing ("pods/exec create in shop", "ebs:GetSnapshotBlock").
  void Failed(std::string_view what, std::string_view why, std::string_view denied = "");

  // Writes acquisition.json and the custody record. To be called once, at the end, also after
  // failures.
  Result<void> Finish();
  // The record as it stands: the JSON of acquisition.json.
  std::string Record() const;

 private:
  friend class AcquiredFile;
  struct Member {
    std::string name;
    std::string origin;
    std::string started;
    std::string finished;
    uint64_t size_bytes;
    std::string sha256;
  };
  struct Failure {
    std::string what;
    std::string why;
    std::string denied;
  };
  struct Named {
    std::string name;
    std::string value;
  };

  Acquisition(const AcquisitionOptions& options, DiagnosticSink& diagnostics);
  Result<std::string> PathOf(std::string_view name) const;
  Result<void> Save(bool complete);

  const AcquisitionOptions options_;
  DiagnosticSink& diagnostics_;
  std::string directory_;
  std::unique_ptr<casefile::Case> case_;
  std::string case_id_;
  const Timestamp started_;

  mutable std::mutex mutex_;  // guards what follows
  std::string identity_;
  std::string credentials_;
  std::string origin_;
  std::string method_;
  std::string method_reason_;
  std::vector<Named> notes_;
  std::vector<std::pair<std::string, double>> clock_offsets_;
  std::vector<Member> members_;
  std::vector<Failure> failures_;
  bool complete_ = false;
};

}  // namespace ekshume::live
