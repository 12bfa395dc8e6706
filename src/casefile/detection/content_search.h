// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_view.h"
#include "base/progress.h"
#include "base/time.h"
#include "casefile/detection/file_scan.h"
#include "detect/finding.h"
#include "detect/yara/scanner.h"
#include "fs/filesystem.h"

namespace ekshume::casefile {

// Which file it is, and what a finding about it says.
struct FileOfCase {
  std::string path;     // as its own filesystem names it
  std::string subject;  // in diagnostics: "container 0123456789ab", a partition
  std::string how;      // "added in the container", "deleted while open", ...
  std::optional<Timestamp> changed;
  std::string cluster, node, name_space, pod, container_id;

  // Where it is no file with a name but something that a process has: what it is, the process as
  // findings name it, and the id of the process's event.
  std::string text;  // "the memory of process 12 x", instead of the path
  std::string object;
  std::string event;
};

// A file's content, or its beginning.
struct FileContent {
  std::vector<std::byte> bytes;
  bool is_part = false;
};
// At most limits::kMaxScannedFileBytes from the beginning. Memory grows with what was read, not
// with what the file claims. kCancelled when the user stopped.
Result<FileContent> ReadContent(const fs::File& file, const Progress& progress);

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
    // How a place is named; null: "0x1a".
    std::function<std::string(uint64_t offset_bytes)> place_text;
  };
  void AddPiece(const FileOfCase& file, const Piece& piece, Found& found) const;
  // Adds what a process's memory as a whole holds: offsets are addresses. All YARA rules together
  // may take `seconds`.
  void AddMemory(const FileOfCase& file, detect::yara::Memory& memory, int seconds,
                 Found& found) const;
  // Hashes, as hexadecimal; empty ones are left out.
  void AddHashes(const std::vector<std::string>& hashes, Found& found) const;
  ContentFindings Finish(const FileOfCase& file, const std::string& sha256, Found found) const;

 private:
  class IndicatorPass;
  std::unique_ptr<detect::yara::Scanner> TakeScanner() const;
  void GiveBack(std::unique_ptr<detect::yara::Scanner> scanner) const;
  static void AddMatches(detect::yara::Scan scan, uint64_t offset_bytes, Found& found);
  void AddIndicator(uint32_t number, std::string where, bool is_file_itself, Found& found) const;

  const FileRules& rules_;
  const int yara_seconds_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<detect::yara::Scanner>> idle_;
};

}  // namespace ekshume::casefile
