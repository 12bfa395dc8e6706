// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/format.h"
#include "base/limits.h"

namespace ekshume::artifact {

// What reading one artifact of one view may cost; tests pass less.
struct ReadingLimits {
  size_t file_bytes = limits::kMaxArtifactBytes;
  size_t files = limits::kMaxArtifactFiles;
  size_t events = limits::kMaxArtifactEvents;
  size_t homes = limits::kMaxHomes;
};

// A regular file that an artifact is read from.
struct FoundFile {
  std::string path;  // absolute in the view, as it was found (links on the way are not resolved)
  fs::NodeId node{};
  fs::Stat stat;
};

// Splits the last part off: "/etc/cron.d/x" -> "/etc/cron.d", "x".
std::string_view DirectoryOf(std::string_view path);
std::string_view NameOf(std::string_view path);

// What every format needs while it reads one view: finding files, reading them, handing over
// events, all of it bounded. One thread. The view, the output and the diagnostics must outlive it.
class Reading {
 public:
  Reading(const View& view, Output& output, DiagnosticSink& diagnostics, ReadingLimits most = {});

  const View& view() const { return view_; }
  const fs::Filesystem& filesystem() const { return *view_.filesystem; }
  const ReadingLimits& limits() const { return most_; }

  // Whether the view wants events from this path: everything of a host, of a container what is not
  // as in its image.
  bool Wants(std::string_view path) const;
  // Whether it may want any from inside this directory.
  bool WantsBelow(std::string_view directory) const;

  // The regular files at absolute paths in which '*' stands for any characters of one name (also a
  // leading dot: names are an attacker's choice). Links are followed inside the view. Sorted per
  // pattern; a file that two patterns or names lead to is found once. Only wanted files. More than
  // ReadingLimits::files are reported and left out (kArtifactLimit).
  std::vector<FoundFile> Find(std::initializer_list<std::string_view> patterns);
  std::vector<FoundFile> Find(const std::vector<std::string>& patterns);
  // The wanted regular files below a directory, links not followed.
  std::vector<FoundFile> FindBelow(std::string_view directory);
  // Calls `visit` for every wanted node below a directory, links not followed: path, node and stat.
  void VisitBelow(std::string_view directory, const std::function<void(const FoundFile&)>& visit);
  // The names in the directories that match, wanted or not: their paths, sorted.
  std::vector<std::string> Directories(std::string_view pattern);

  // The file's content, at most ReadingLimits::file_bytes of it: a longer file is reported and its
  // beginning is read. Nothing when it cannot be read (reported).
  std::optional<std::string> ReadFile(const FoundFile& file);
  // The same of a file that only explains others, wanted or not: /etc/passwd. "" when there is
  // none.
  std::string ReadForReference(std::string_view path);

  // The event to be filled in, empty.
  event::Event& Begin();
  event::Event& event() { return event_; }  // that of the last Begin()
  // Hands over the event of the last Begin(). False when ReadingLimits::events were handed over
  // already (reported once): the format may stop.
  bool Add(std::string_view path, uint64_t offset);
  bool full() const { return added_ >= most_.events; }

  void Report(DiagnosticCode code, std::string_view path, std::string detail,
              std::optional<uint64_t> offset_bytes = std::nullopt);
  DiagnosticSink& diagnostics() { return diagnostics_; }

 private:
  void AddMatches(std::string_view pattern, std::vector<FoundFile>& found,
                  std::vector<fs::NodeId>& nodes);
  bool LimitFiles(size_t count, std::string_view path);

  const View& view_;
  Output& output_;
  DiagnosticSink& diagnostics_;
  const ReadingLimits most_;
  event::Event event_;
  size_t added_ = 0;
  bool events_reported_ = false;
};

// What the columns of an event that tells of a file's present content have in common: its path, and
// as time when it was last written.
void FillFromFile(const FoundFile& file, event::Event& event);

// The lines of a text with the place of each; the last one may lack its newline. A carriage return
// before the newline is not part of the line.
struct Line {
  std::string_view text;
  uint64_t offset = 0;
};
std::vector<Line> Lines(std::string_view text);

// Without white space at both ends.
std::string_view Trim(std::string_view text);
// The first word of `text`, which is cut off from it together with the white space behind it.
std::string_view TakeWord(std::string_view& text);

// The first bytes of a text that becomes part of a message or of a raw record, with "..." when
// there was more.
std::string Shorten(std::string_view text, size_t most_bytes);

}  // namespace ekshume::artifact
