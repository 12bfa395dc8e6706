// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include "base/hash.h"
#include "base/parallel.h"
#include "base/text.h"
#include "casefile/file_hash.h"
#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::cli {
namespace {

// Rows formatted by one job: enough to make handing over cheap, few enough to keep memory small.
constexpr size_t kBatchRows = 128;
// Room for a path in a batch; longer ones take more.
constexpr size_t kPathBytes = 160;
// A batch of files to hash ends at this many bytes, so that large files do not wait for each other.
constexpr uint64_t kBatchBytes = uint64_t{4} << 20;
constexpr size_t kBatchesUnderWay = 32;

// What a job gets of one node.
struct Item {
  std::string_view path;  // absolute
  fs::NodeId node;
  const fs::Stat* stat;  // null: the walk did not ask
};

// Nodes for one job. Their paths lie in one string: one allocation instead of one per node.
class Batch {
 public:
  // `start` ("/" or "/a/b") is where the walk began.
  void Add(std::string_view start, const fs::WalkItem& item, bool stat_is_known) {
    if (nodes_.empty()) {
      nodes_.reserve(kBatchRows);
      paths_.reserve(kBatchRows * kPathBytes);
    }
    const size_t path_start = paths_.size();
    paths_ += start;
    if (!item.path.empty()) {
      if (!paths_.ends_with('/')) paths_.push_back('/');
      paths_ += item.path;
    }
    nodes_.emplace_back(item.node, paths_.size() - path_start,
                        stat_is_known ? stats_.size() : kNoStat);
    if (stat_is_known) stats_.push_back(item.stat);
  }
  bool empty() const { return nodes_.empty(); }
  size_t size() const { return nodes_.size(); }

  // Calls `visit` with each item in order until it returns false.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    std::string_view paths = paths_;
    for (const Node& node : nodes_) {
      const Item item{paths.substr(0, node.path_length), node.id,
                      node.stat_index == kNoStat ? nullptr : &stats_[node.stat_index]};
      if (!visit(item)) return;
      paths.remove_prefix(node.path_length);
    }
  }

 private:
  static constexpr size_t kNoStat = SIZE_MAX;
  struct Node {
    fs::NodeId id;
    size_t path_length;
    size_t stat_index;  // in stats_, or kNoStat
  };

  std::string paths_;
  std::vector<Node> nodes_;
  std::vector<fs::Stat> stats_;
};

struct Formatted {
  TextBuffer text;
  std::vector<std::string> keys;
};

// `path` as the user wrote it, without "//" and a trailing slash, absolute.
std::string CleanPath(const std::string& path) {
  std::string clean;
  for (const std::string_view part : SplitNonEmpty(path, '/')) {
    clean.push_back('/');
    clean.append(part);
  }
  return clean.empty() ? "/" : clean;
}

size_t WorkerCount() { return std::clamp(std::thread::hardware_concurrency(), 1U, 16U); }

// An array of {"name", "value"} or {"name", "value_hex"} for values that are not text.
std::string XattrsJson(const fs::Filesystem& filesystem, fs::NodeId node) {
  const auto xattrs = filesystem.ReadXattrs(node);
  if (!xattrs) return "null";
  std::string json = "[";
  for (const fs::Xattr& xattr : *xattrs) {
    if (json.size() > 1) json.push_back(',');
    json += "{\"name\":" + JsonString(xattr.name);
    const bool text = IsUtf8(xattr.value) && xattr.value.find('\0') == std::string::npos;
    json += text ? ",\"value\":" + JsonString(xattr.value)
                 : ",\"value_hex\":\"" + ToHex(ByteView::Of(xattr.value)) + "\"";
    json.push_back('}');
  }
  return json + "]";
}

// The columns of `find` for one node.
void FormatNode(RowFormatter& row, Program& program, const fs::Filesystem& filesystem,
                std::string_view path, fs::NodeId node, const fs::Stat& stat,
                const FindOptions& options) {
  const char type = fs::NodeTypeLetter(stat.type);
  std::array<char, 8> mode;
  const auto mode_end = std::to_chars(mode.begin(), mode.end(), stat.permissions, 8).ptr;
  row.Begin();
  row.Bytes("path"_key, path);
  row.Plain("type"_key, std::string_view(&type, 1));
  row.Plain("mode"_key, std::string_view(mode.begin(), mode_end));
  row.Unsigned("uid"_key, stat.uid);
  row.Unsigned("gid"_key, stat.gid);
  row.Unsigned("size"_key, stat.size_bytes);
  row.Time("mtime"_key, stat.modified);
  row.Time("ctime"_key, stat.changed);
  row.Time("atime"_key, stat.accessed);
  row.Time("crtime"_key, stat.created);
  row.Unsigned("inode"_key, stat.inode);
  row.Unsigned("links"_key, stat.links);
  const auto unreadable = [&](const Error& error) {
    program.diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable, std::string(path),
                               error.message);
  };
  if (stat.type == fs::NodeType::kSymlink) {
    if (const auto target = filesystem.ReadSymlink(node)) {
      row.Bytes("target"_key, *target);
    } else {
      unreadable(target.error());
      row.Null("target"_key);
    }
  } else {
    row.Null("target"_key);
  }
  if (stat.type == fs::NodeType::kCharDevice || stat.type == fs::NodeType::kBlockDevice) {
    row.Text("device"_key, fmt::format("{}:{}", stat.device_major, stat.device_minor));
  } else {
    row.Null("device"_key);
  }
  if (options.sha256 && stat.type == fs::NodeType::kRegular) {
    if (const auto digest = casefile::HashFile(filesystem, node, &program.progress)) {
      row.Text("sha256"_key, *digest);
    } else {
      unreadable(digest.error());
      row.Null("sha256"_key);
    }
  } else {
    row.Null("sha256"_key);
  }
  if (options.xattrs) row.Json("xattrs"_key, XattrsJson(filesystem, node));
  row.End();
}

// Walks below `path` and lets `format` turn each node that is `wanted` into rows, in parallel and
// in order.
Result<void> PrintWalk(Program& program, const fs::Filesystem& filesystem, const std::string& path,
                       const std::function<bool(const fs::WalkItem&)>& wanted, fs::WalkStat stat,
                       const std::function<void(RowFormatter&, const Item&)>& format) {
  const std::string start_path = CleanPath(path);
  const fs::NodeId start =
      EKSHUME_TRY(fs::ResolvePath(filesystem, start_path, fs::FollowLast::kNo));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowWriter writer(program.format, *output);
  OrderedPipeline<Batch, Formatted> pipeline(
      WorkerCount(), kBatchesUnderWay,
      [&](Batch&& batch) {
        RowFormatter formatter(program.format);
        batch.ForEach([&](const Item& item) {
          format(formatter, item);
          return !program.progress.cancelled();
        });
        return Formatted{formatter.Take(), formatter.keys()};
      },
      [&](Formatted&& rows) { writer.Write(rows.text, rows.keys); });
  Batch batch;
  uint64_t batch_bytes = 0;
  Result<void> walked = fs::Walk(
      filesystem, start, program.diagnostics,
      [&](const fs::WalkItem& item) {
        if (output->failed()) return fs::WalkStep::kStop;
        if (!wanted(item)) return fs::WalkStep::kContinue;
        if (stat == fs::WalkStat::kAll) batch_bytes += item.stat.size_bytes;
        batch.Add(start_path, item,
                  stat == fs::WalkStat::kAll || item.stat.type == fs::NodeType::kDirectory);
        if (batch.size() >= kBatchRows || batch_bytes >= kBatchBytes) {
          pipeline.Push(std::exchange(batch, {}));
          batch_bytes = 0;
        }
        return fs::WalkStep::kContinue;
      },
      &program.progress, stat);
  if (!batch.empty()) pipeline.Push(std::move(batch));
  pipeline.Finish();
  if (!walked) return walked;
  if (program.progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  writer.Finish();
  return output->Finish();
}

}  // namespace

Result<void> PrintFind(Program& program, const fs::Filesystem& filesystem, const std::string& path,
                       const FindOptions& options) {
  // Hashing wants sizes early, to make batches of equal weight; a plain listing wants the walk to
  // be quick and leaves the nodes to the workers.
  const fs::WalkStat wanted = options.sha256 ? fs::WalkStat::kAll : fs::WalkStat::kDirectories;
  return PrintWalk(
      program, filesystem, path, [](const fs::WalkItem&) { return true; }, wanted,
      [&](RowFormatter& row, const Item& item) {
        if (item.stat != nullptr) {
          FormatNode(row, program, filesystem, item.path, item.node, *item.stat, options);
          return;
        }
        const auto unreadable = [&](std::string why) {
          program.diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable,
                                     std::string(item.path), std::move(why));
        };
        const auto stat = filesystem.GetStat(item.node);
        if (!stat) return unreadable(stat.error().message);
        if (stat->type == fs::NodeType::kDirectory) {
          unreadable("its entry says that it is no directory; it was not entered");
        }
        FormatNode(row, program, filesystem, item.path, item.node, *stat, options);
      });
}

Result<void> PrintHashes(Program& program, const fs::Filesystem& filesystem,
                         const std::string& path) {
  return PrintWalk(
      program, filesystem, path,
      [](const fs::WalkItem& item) { return item.stat.type == fs::NodeType::kRegular; },
      fs::WalkStat::kAll,
      [&](RowFormatter& row, const Item& item) {
        row.Begin();
        row.Bytes("path"_key, item.path);
        row.Unsigned("size"_key, item.stat->size_bytes);
        if (const auto digest = casefile::HashFile(filesystem, item.node, &program.progress)) {
          row.Text("sha256"_key, *digest);
        } else {
          program.diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable,
                                     std::string(item.path), digest.error().message);
          row.Null("sha256"_key);
        }
        row.End();
      });
}

Result<void> PrintDirectory(Program& program, const fs::Filesystem& filesystem,
                            const std::string& path) {
  const std::string clean = CleanPath(path);
  const fs::NodeId node = EKSHUME_TRY(fs::ResolvePath(filesystem, clean));
  const fs::Stat stat = EKSHUME_TRY(filesystem.GetStat(node));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowWriter writer(program.format, *output);
  RowFormatter row(program.format);
  if (stat.type != fs::NodeType::kDirectory) {
    FormatNode(row, program, filesystem, clean, node, stat, {});
  } else {
    for (const auto& entry : EKSHUME_TRY(fs::ListDirectory(filesystem, node))) {
      const std::string full_path = fs::JoinPath(clean, entry.name);
      const auto entry_stat = filesystem.GetStat(entry.node);
      if (!entry_stat) {
        program.diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable, full_path,
                                   entry_stat.error().message);
        continue;
      }
      FormatNode(row, program, filesystem, full_path, entry.node, *entry_stat, {});
    }
  }
  writer.Write(row.Take(), row.keys());
  writer.Finish();
  return output->Finish();
}

namespace {

std::string_view RunKindName(fs::Run::Kind kind) {
  switch (kind) {
    case fs::Run::Kind::kData: return "data";
    case fs::Run::Kind::kHole: return "hole";
    case fs::Run::Kind::kUnwritten: return "unwritten";
    case fs::Run::Kind::kInline: return "inline";
  }
  return "unknown";
}

std::string RunsJson(const fs::File& file) {
  std::string json = "[";
  for (const fs::Run& run : file.runs()) {
    if (json.size() > 1) json.push_back(',');
    json += fmt::format(R"({{"file_offset":{},"length":{},"kind":"{}")", run.file_offset_bytes,
                        run.length_bytes, RunKindName(run.kind));
    const bool on_device =
        run.kind == fs::Run::Kind::kData || run.kind == fs::Run::Kind::kUnwritten;
    if (on_device) json += fmt::format(R"(,"device_offset":{})", run.device_offset_bytes);
    json.push_back('}');
  }
  return json + "]";
}

}  // namespace

Result<void> PrintStat(Program& program, const fs::Filesystem& filesystem, const std::string& path,
                       bool runs) {
  const std::string clean = CleanPath(path);
  const fs::NodeId node = EKSHUME_TRY(fs::ResolvePath(filesystem, clean, fs::FollowLast::kNo));
  const fs::Stat stat = EKSHUME_TRY(filesystem.GetStat(node));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowWriter writer(program.format, *output);
  RowFormatter row(program.format);
  const char type = fs::NodeTypeLetter(stat.type);
  row.Begin();
  row.Bytes("path"_key, clean);
  row.Plain("type"_key, std::string_view(&type, 1));
  row.Plain("mode"_key, fmt::format("{:o}", stat.permissions));
  row.Unsigned("uid"_key, stat.uid);
  row.Unsigned("gid"_key, stat.gid);
  row.Unsigned("size"_key, stat.size_bytes);
  row.Unsigned("allocated"_key, stat.allocated_bytes);
  row.Time("mtime"_key, stat.modified);
  row.Time("ctime"_key, stat.changed);
  row.Time("atime"_key, stat.accessed);
  row.Time("crtime"_key, stat.created);
  row.Unsigned("inode"_key, stat.inode);
  row.Unsigned("generation"_key, stat.generation);
  row.Unsigned("links"_key, stat.links);
  if (stat.type == fs::NodeType::kSymlink) {
    row.Bytes("target"_key, EKSHUME_TRY(filesystem.ReadSymlink(node)));
  } else {
    row.Null("target"_key);
  }
  const bool device =
      stat.type == fs::NodeType::kCharDevice || stat.type == fs::NodeType::kBlockDevice;
  if (device) {
    row.Text("device"_key, fmt::format("{}:{}", stat.device_major, stat.device_minor));
  } else {
    row.Null("device"_key);
  }
  if (stat.type == fs::NodeType::kRegular) {
    row.Text("sha256"_key, EKSHUME_TRY(casefile::HashFile(filesystem, node, &program.progress)));
    row.Text("kind"_key, EKSHUME_TRY(casefile::FileKind(filesystem, node)));
  } else {
    row.Null("sha256"_key);
    row.Null("kind"_key);
  }
  row.Json("xattrs"_key, XattrsJson(filesystem, node));
  if (runs && stat.type == fs::NodeType::kRegular) {
    row.Json("runs"_key, RunsJson(*EKSHUME_TRY(filesystem.OpenFile(node))));
  }
  row.End();
  writer.Write(row.Take(), row.keys());
  writer.Finish();
  return output->Finish();
}

Result<void> PrintContent(Program& program, const fs::Filesystem& filesystem,
                          const std::string& path) {
  const std::string clean = CleanPath(path);
  return PrintContent(program, filesystem, EKSHUME_TRY(fs::ResolvePath(filesystem, clean)), clean);
}

Result<void> PrintContent(Program& program, const fs::Filesystem& filesystem, fs::NodeId node,
                          const std::string& name) {
  const fs::Stat stat = EKSHUME_TRY(filesystem.GetStat(node));
  if (stat.type != fs::NodeType::kRegular) {
    return Fail(ErrorCode::kNotFound, fmt::format("{} is not a regular file", name));
  }
  const auto file = EKSHUME_TRY(filesystem.OpenFile(node));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  std::string buffer(size_t{1} << 20, '\0');
  program.progress.SetTotalBytes(file->size_bytes());
  for (uint64_t offset = 0; !output->failed();) {
    if (program.progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    const auto count = file->ReadAt(offset, AsWritableBytes(buffer));
    if (!count) return WithContext(count.error(), name);
    if (*count == 0) break;
    output->Write(std::string_view(buffer).substr(0, *count));
    offset += *count;
    program.progress.AddBytes(*count);
  }
  return output->Finish();
}

}  // namespace ekshume::cli
