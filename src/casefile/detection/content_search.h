// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_view.h"
#include "base/time.h"
#include "casefile/detection/file_scan.h"
#include "detect/finding.h"
#include "detect/yara/scanner.h"

namespace ekshume::casefile {

// Which file it is, and what a finding about it says.
struct FileOfCase {
  std::string path;     // as its own filesystem names it
  std::string subject;  // in diagnostics: "container 0123456789ab", a partition
  std::string how;      // "added in the container", "deleted while open", ...
  std::optional<Timestamp> changed;
  std::string cluster, node, name_space, pod, container_id;
};

// What was found in one file.
struct ContentFindings {
  std::vector<detect::Finding> findings;
  std::vector<std::string> limited;  // sentences
};

// Searches contents with the rules of a case. Any thread.
class ContentSearch {
 public:
  // `rules` must outlive it. `yara_seconds` is for tests.
  explicit ContentSearch(const FileRules& rules, int yara_seconds = limits::kMaxYaraSeconds);

  // The whole of a file, or, with `is_part`, its beginning: then no hash is made.
  ContentFindings Search(const FileOfCase& file, ByteView content, bool is_part) const;

  // The same of a file that is read in pieces: adds to `found` what a piece holds, with its offset.
  struct Piece {
    ByteView content;
    uint64_t offset_bytes = 0;
  };
  struct Found {
    std::vector<detect::yara::Match> matches;
    struct Indicator {
      uint32_t number = 0;
      std::string where;
      bool is_file_itself = false;  // its hash or path, not its content
      friend auto operator<=>(const Indicator&, const Indicator&) = default;
    };
    std::vector<Indicator> indicators;
    std::vector<std::string> limited;
  };
  void AddPiece(const FileOfCase& file, const Piece& piece, Found& found) const;
  // Hashes, as hexadecimal; empty ones are left out.
  void AddHashes(const std::vector<std::string>& hashes, Found& found) const;
  ContentFindings Finish(const FileOfCase& file, const std::string& sha256, Found found) const;

 private:
  void AddIndicator(uint32_t number, std::string where, bool is_file_itself, Found& found) const;

  const FileRules& rules_;
  const int yara_seconds_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<detect::yara::Scanner>> idle_;
};

}  // namespace ekshume::casefile
