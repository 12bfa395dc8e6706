// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "casefile/scratch.h"

namespace ekshume::casefile {

// One evidence file as the case records it.
struct EvidenceFile {
  std::string path;  // absolute
  uint64_t size_bytes = 0;
  std::string sha256;  // of the file as it is stored
};

// What the custody ledger says of one act. Who, when, where and with which tool are filled in by
// Case::Record().
struct CustodyEntry {
  std::string action;                  // "investigate", "export", "acquire"
  std::vector<std::string> arguments;  // the command line
  std::vector<EvidenceFile> evidence;
  std::string acquisition;  // for "acquire": the JSON of its acquisition.json, else ""
};

// A case folder: what ekshume keeps about one incident. The evidence itself stays where it is.
//   case.json      id, when it was made, the evidence
//   custody.jsonl  the ledger: one record a line, each with the SHA-256 of the line before it
//   report.json    the newest report
//   acquired/      what `acquire` brought, a folder for each time
//   index/         indexes of compressed images; may be deleted
// docs/formats/case.md is the specification. One thread at a time; two processes may append to the
// ledger at once (it is locked).
class Case {
 public:
  static bool IsCase(const std::string& directory);
  // Opens an existing case. kNotFound, kCorrupt when case.json is not one of ours.
  static Result<std::unique_ptr<Case>> Open(const std::string& directory);
  // Opens it, or makes the folder and a new case in it. kInvalidArgument when the folder holds
  // something else.
  static Result<std::unique_ptr<Case>> OpenOrCreate(const std::string& directory);

  const std::string& directory() const { return directory_; }
  const std::string& id() const { return id_; }
  Timestamp created() const { return created_; }
  const std::vector<std::string>& evidence_paths() const { return evidence_paths_; }
  image::Scratch& scratch() { return scratch_; }

  // Adds evidence paths (made absolute) that the case does not have yet, and saves case.json.
  Result<void> AddEvidencePaths(const std::vector<std::string>& paths);
  // Appends to the custody ledger.
  Result<void> Record(const CustodyEntry& entry);
  // The ledger's records as they stand (JSON texts), oldest first.
  Result<std::vector<std::string>> CustodyRecords() const;
  // kCorrupt with the number of the first record whose chain is broken.
  Result<size_t> VerifyCustody() const;
  // report.json as it stands. kNotFound when nothing was investigated yet.
  Result<std::string> Report() const;
  // Replaces report.json.
  Result<void> WriteReport(std::string_view json);

 private:
  explicit Case(std::string directory);
  Result<void> Save() const;

  const std::string directory_;
  std::string id_;
  Timestamp created_;
  std::vector<std::string> evidence_paths_;
  FolderScratch scratch_;
};

}  // namespace ekshume::casefile
