// SPDX-License-Identifier: Apache-2.0
#include "artifact/mactime/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "artifact/mactime/layers.h"
#include "artifact/reading.h"
#include "artifact/users.h"
#include "base/limits.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::artifact::mactime {
namespace {

using event::Number;
using event::Text;

// One of the four times, in mactime's order. What a fold of several is called is the action of the
// strongest: a file that was created and written at once was created.
struct Kind {
  char letter;
  std::string_view description;  // Timesketch's timestamp_desc
  std::string_view action;
  int strength;
};
constexpr std::array<Kind, 4> kKinds = {{
    {'M', "Content Modification Time", "modified", 2},
    {'A', "Last Access Time", "accessed", 0},
    {'C', "Metadata Modification Time", "changed", 1},
    {'B', "Creation Time", "created", 3},
}};

struct TypeWords {
  std::string_view kind;      // the column object_kind
  std::string_view sentence;  // in the message
};
TypeWords WordsOf(fs::NodeType type) {
  switch (type) {
    case fs::NodeType::kRegular: return {"file", "regular file"};
    case fs::NodeType::kDirectory: return {"directory", "directory"};
    case fs::NodeType::kSymlink: return {"symlink", "symbolic link"};
    case fs::NodeType::kCharDevice: return {"character device", "character device"};
    case fs::NodeType::kBlockDevice: return {"block device", "block device"};
    case fs::NodeType::kFifo: return {"fifo", "fifo"};
    case fs::NodeType::kSocket: return {"socket", "socket"};
    case fs::NodeType::kUnknown: break;
  }
  return {"unknown", "node of unknown type"};
}

constexpr uint16_t kSetuid = 04000;
constexpr uint16_t kSetgid = 02000;
constexpr uint16_t kAnyExecute = 0111;

std::string BodyTime(const std::optional<Timestamp>& time) {
  return time ? fmt::format("{}.{:09}", time->seconds, time->nanoseconds) : "0";
}

// The body file's mode: "r/rrwxr-xr-x".
std::string BodyMode(const fs::Stat& stat) {
  const char letter = stat.type == fs::NodeType::kRegular ? 'r' : fs::NodeTypeLetter(stat.type);
  std::string mode = {letter, '/', letter};
  constexpr std::string_view kLetters = "rwxrwxrwx";
  for (size_t i = 0; i < kLetters.size(); ++i) {
    mode.push_back((stat.permissions >> (8 - i) & 1) != 0 ? kLetters[i] : '-');
  }
  if ((stat.permissions & kSetuid) != 0) mode[5] = mode[5] == 'x' ? 's' : 'S';
  if ((stat.permissions & kSetgid) != 0) mode[8] = mode[8] == 'x' ? 's' : 'S';
  if ((stat.permissions & 01000) != 0) mode[11] = mode[11] == 'x' ? 't' : 'T';
  return mode;
}

// One node that becomes events.
struct Found {
  std::string path;      // absolute, "" when it has no name any more
  std::string_view how;  // for a deleted one: where it was found
  const fs::Stat& stat;
  fs::NodeId node;
};

class Writer {
 public:
  explicit Writer(Reading& reading) : reading_(reading), users_(reading) {}

  // False when no more events are taken.
  bool Write(const Found& found) {
    FillShared(found);
    const std::array<std::optional<Timestamp>, 4> times = {found.stat.modified, found.stat.accessed,
                                                           found.stat.changed, found.stat.created};
    std::array<bool, 4> done = {};
    uint64_t index = 0;
    for (size_t i = 0; i < times.size(); ++i) {
      if (!times[i] || done[i]) continue;
      std::array<bool, 4> folded = {};
      for (size_t j = i; j < times.size(); ++j) {
        folded[j] = !done[j] && times[j] == times[i];
        if (folded[j]) done[j] = true;
      }
      if (!WriteMoment(found, *times[i], folded, index++)) return false;
    }
    return true;
  }

 private:
  void FillShared(const Found& found) {
    const fs::Stat& stat = found.stat;
    const TypeWords words = WordsOf(stat.type);
    if (stat.uid != named_uid_ || owner_name_.empty()) {
      named_uid_ = stat.uid;
      owner_name_ = users_.Name(stat.uid);
    }
    tail_ = found.path.empty() ? fmt::format("inode {} without a name", stat.inode) : found.path;
    if (stat.type == fs::NodeType::kSymlink) {
      const auto target = reading_.filesystem().ReadSymlink(found.node);
      if (target) tail_.append(" -> ").append(*target);
    }
    fmt::format_to(std::back_inserter(tail_), " ({}", words.sentence);
    if (stat.type == fs::NodeType::kRegular) {
      fmt::format_to(std::back_inserter(tail_), ", {} bytes", stat.size_bytes);
    }
    fmt::format_to(std::back_inserter(tail_), ", {}", owner_name_);
    if (!found.how.empty()) fmt::format_to(std::back_inserter(tail_), ", {}", found.how);
    tail_.push_back(')');

    tags_.clear();
    const auto tag = [&](std::string_view word) {
      if (!tags_.empty()) tags_.push_back(' ');
      tags_.append(word);
    };
    if (stat.type == fs::NodeType::kRegular) {
      if ((stat.permissions & kAnyExecute) != 0) tag("executable");
      if ((stat.permissions & kSetuid) != 0) tag("setuid");
      if ((stat.permissions & kSetgid) != 0) tag("setgid");
    }
    if (!found.how.empty()) tag("deleted");
    if (NameOf(found.path).starts_with('.')) tag("hidden");

    raw_.clear();
    fmt::format_to(std::back_inserter(raw_), "0|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", found.path,
                   stat.inode, BodyMode(stat), stat.uid, stat.gid, stat.size_bytes,
                   BodyTime(stat.accessed), BodyTime(stat.modified), BodyTime(stat.changed),
                   BodyTime(stat.created));
  }

  bool WriteMoment(const Found& found, Timestamp time, const std::array<bool, 4>& folded,
                   uint64_t index) {
    event::Event& event = reading_.Begin();
    event.time = time;
    event.raw = raw_;
    std::string& kinds = event[Text::kTimeKind];
    std::string& message = event[Text::kMessage];
    const Kind* strongest = nullptr;
    for (size_t i = 0; i < kKinds.size(); ++i) {
      message.push_back(folded[i] ? kKinds[i].letter : '.');
      if (!folded[i]) continue;
      if (!kinds.empty()) kinds.append("; ");
      kinds.append(kKinds[i].description);
      if (strongest == nullptr || kKinds[i].strength > strongest->strength) strongest = &kKinds[i];
    }
    message.append(" ").append(tail_);
    event[Text::kSource] = "file";
    event[Text::kAction] = strongest->action;
    event[Text::kObjectKind] = WordsOf(found.stat.type).kind;
    event[Text::kPath] = found.path;
    event[Text::kUserName] = owner_name_;
    event[Text::kTags] = tags_;
    event[Number::kSize] = static_cast<int64_t>(
        std::min<uint64_t>(found.stat.size_bytes, static_cast<uint64_t>(INT64_MAX)));
    return reading_.Add(found.path, found.path.empty() ? found.stat.inode * 4 + index : index);
  }

  Reading& reading_;
  const Users users_;
  // What the events of one node have in common; kept to reuse the memory.
  std::string owner_name_;
  uint32_t named_uid_ = 0;
  std::string tail_;
  std::string tags_;
  std::string raw_;
};

// Host: every node. Container: only changed ones, so that only those are asked for their stat.
void WriteTree(Reading& reading, Writer& writer) {
  const LayerDirectories layers(reading.view());
  const auto visit = [&](const fs::WalkItem& item) {
    std::string path = "/" + item.path;
    const bool is_skipped = item.stat.type == fs::NodeType::kDirectory &&
                            (layers.Contains(item.path) || !reading.WantsBelow(path));
    const auto next = is_skipped ? fs::WalkStep::kSkipChildren : fs::WalkStep::kContinue;
    if (reading.view().changed == nullptr) {
      return writer.Write({std::move(path), "", item.stat, item.node}) ? next : fs::WalkStep::kStop;
    }
    if (!reading.Wants(path)) return next;
    const auto stat = reading.filesystem().GetStat(item.node);
    if (!stat) {
      reading.Report(DiagnosticCode::kFilesystemNodeUnreadable, path, stat.error().message);
      return next;
    }
    return writer.Write({std::move(path), "", *stat, item.node}) ? next : fs::WalkStep::kStop;
  };
  const fs::Filesystem& filesystem = reading.filesystem();
  const auto wanted =
      reading.view().changed != nullptr ? fs::WalkStat::kDirectories : fs::WalkStat::kAll;
  const auto walked =
      fs::Walk(filesystem, filesystem.root(), reading.diagnostics(), visit, nullptr, wanted);
  if (!walked) reading.Report(DiagnosticCode::kArtifactUnreadable, "/", walked.error().message);
}

void WriteDeleted(Reading& reading, Writer& writer) {
  for (const fs::DeletedNode& deleted : reading.filesystem().Deleted()) {
    const auto stat = reading.filesystem().GetStat(deleted.node);
    if (!stat) {
      reading.Report(DiagnosticCode::kFilesystemNodeUnreadable, deleted.how, stat.error().message);
      continue;
    }
    if (!writer.Write({"", deleted.how, *stat, deleted.node})) return;
  }
}

class Mactime : public Format {
 public:
  std::string_view name() const override { return "mactime"; }
  std::string_view description() const override {
    return "times of files: modified, accessed, changed, created";
  }
  void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const override {
    Reading reading(view, output, diagnostics);
    Writer writer(reading);
    WriteTree(reading, writer);
    WriteDeleted(reading, writer);
  }
};

}  // namespace

const Format& MactimeFormat() {
  static const Mactime format;
  return format;
}

}  // namespace ekshume::artifact::mactime
