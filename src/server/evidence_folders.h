// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "casefile/json.h"

namespace ekshume::server {

// The folders below which the page may choose evidence. Paths are followed to where they lead, so a
// link out of a folder is not below it. Any thread.
class EvidenceFolders {
 public:
  // None: nothing may be chosen. kNotFound for what is no folder. `case_directory`: the case itself
  // is no evidence of itself.
  static Result<EvidenceFolders> Open(const std::vector<std::string>& folders,
                                      const std::string& case_directory);

  bool empty() const { return folders_.empty(); }
  const std::vector<std::string>& folders() const { return folders_; }  // where they are

  // Where `path` (absolute) leads, when that may be read as evidence. kInvalidArgument otherwise:
  // whether something is there outside the folders is not told.
  Result<std::string> Check(const std::string& path) const;
  // What is in a folder: rows with name, path, kind ("file", "folder", "other"), size, modified,
  // and `may`, whether it can be chosen; the first limits::kMostFolderRows by name.
  Result<casefile::Json> List(const std::string& path) const;

 private:
  // Where a path leads; kInvalidArgument when that is not below the folders.
  Result<std::string> Below(const std::string& path) const;
  // Whether what lies there (`found`, where `path` leads) may be evidence. kInvalidArgument.
  Result<void> CheckPlace(const std::string& found, const std::string& path) const;

  std::vector<std::string> folders_;
  std::string case_;  // where the case is
};

}  // namespace ekshume::server
