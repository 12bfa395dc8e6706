// SPDX-License-Identifier: Apache-2.0
#include "process/checkpoint/files.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "base/byte_view.h"
#include "base/endian.h"
#include "base/limits.h"
#include "base/protobuf.h"
#include "fs/path.h"
#include "process/checkpoint/format.h"
#include "process/checkpoint/image_file.h"
#include "process/socket_words.h"

namespace ekshume::process::checkpoint {
namespace {

constexpr std::string_view kDeletedSuffix = " (deleted)";

// An address as the kernel has it: its words in memory order.
std::string AddressText(const std::vector<uint64_t>& words) {
  std::array<le32, 4> bytes{};
  if (words.size() != 1 && words.size() != 4) return "";
  for (size_t i = 0; i < words.size(); ++i) bytes[i] = le32::Of(static_cast<uint32_t>(words[i]));
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = words.size() == 1 ? AF_INET : AF_INET6;
  if (inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr) return "";
  return NormalAddress(text.data());
}

std::string FamilyName(uint64_t family) {
  switch (family) {
    case AF_INET: return "inet";
    case AF_INET6: return "inet6";
    default: return fmt::format("family {}", family);
  }
}

FileRecord ReadRegular(std::string_view message) {
  FileRecord record;
  record.file.type = 'f';
  WireReader fields(message);
  for (WireField field; fields.Next(field);) {
    if (field.number == files::kRegName) record.file.path = std::string(field.bytes);
    if (field.number == files::kRegSize) record.file.size_bytes = field.value;
    if (field.number == files::kRegMode) {
      const fs::NodeType type = fs::NodeTypeFromMode(static_cast<uint32_t>(field.value));
      record.file.type = fs::NodeTypeLetter(type);
    }
  }
  if (record.file.path.ends_with(kDeletedSuffix)) {
    record.file.deleted = true;
    record.file.path.resize(record.file.path.size() - kDeletedSuffix.size());
  }
  return record;
}

FileRecord ReadInetSocket(std::string_view message) {
  FileRecord record;
  record.file.type = 's';
  Socket& socket = record.socket.emplace();
  uint64_t state = 0;
  uint64_t type = 0;
  uint64_t protocol = 0;
  Address local;
  Address remote;
  std::vector<uint64_t> local_words;
  std::vector<uint64_t> remote_words;
  WireReader fields(message);
  for (WireField field; fields.Next(field);) {
    switch (field.number) {
      case files::kIno: socket.inode = field.value; break;
      case files::kFamily: socket.family = FamilyName(field.value); break;
      case files::kSkType: type = field.value; break;
      case files::kProto: protocol = field.value; break;
      case files::kState: state = field.value; break;
      case files::kSrcPort: local.port = static_cast<int64_t>(field.value & 0xffffU); break;
      case files::kDstPort: remote.port = static_cast<int64_t>(field.value & 0xffffU); break;
      case files::kSrcAddr:
      case files::kDstAddr: {
        std::vector<uint64_t>& words = field.number == files::kSrcAddr ? local_words : remote_words;
        if (words.size() <= 4) AddNumbers(field, words);
        break;
      }
      default: break;
    }
  }
  local.address = AddressText(local_words);
  remote.address = AddressText(remote_words);
  socket.protocol = ProtocolName(protocol, type);
  // The kernel keeps the states of TCP for all protocols; of others only these two mean something.
  if (socket.protocol == "tcp" || state == kStateEstablished) socket.state = StateName(state);
  socket.local = local;
  const bool has_remote = remote.port != 0 && !remote.address.empty();
  if (has_remote) socket.remote = remote;
  record.file.path = fmt::format("socket:[{}]", socket.inode);
  return record;
}

FileRecord ReadUnixSocket(std::string_view message) {
  FileRecord record;
  record.file.type = 's';
  Socket& socket = record.socket.emplace();
  socket.family = "unix";
  WireReader fields(message);
  for (WireField field; fields.Next(field);) {
    switch (field.number) {
      case files::kUnixIno: socket.inode = field.value; break;
      case files::kUnixType: socket.protocol = SocketTypeName(field.value); break;
      case files::kUnixState:
        if (field.value == kStateEstablished || field.value == kStateListen) {
          socket.state = StateName(field.value);
        }
        break;
      case files::kUnixName: {
        socket.path = std::string(field.bytes);
        if (socket.path.starts_with('\0')) socket.path[0] = '@';  // abstract
        while (socket.path.ends_with('\0')) socket.path.pop_back();
        break;
      }
      default: break;
    }
  }
  record.file.path = fmt::format("socket:[{}]", socket.inode);
  return record;
}

FileRecord ReadPacketSocket(std::string_view message, uint64_t id) {
  FileRecord record;
  record.file.type = 's';
  Socket& socket = record.socket.emplace();
  socket.family = "packet";
  WireReader fields(message);
  for (WireField field; fields.Next(field);) {
    if (field.number == files::kPacketType) socket.protocol = SocketTypeName(field.value);
  }
  record.file.path = fmt::format("socket:[packet {}]", id);
  return record;
}

class FileReader {
 public:
  FileReader(const Source& source, std::string_view folder, DiagnosticSink& diagnostics)
      : source_(source), folder_(folder), diagnostics_(diagnostics) {}

  FileRecords Run() {
    VisitEntries(source_, folder_, "memfd.img", kMemfdInodeMagic, diagnostics_,
                 [this](std::string_view message) { AddMemfdInode(message); });
    VisitEntries(source_, folder_, "files.img", kFilesMagic, diagnostics_,
                 [this](std::string_view message) { AddEntry(message); });
    VisitOld("reg-files.img", kRegFilesMagic, ReadRegular);
    VisitOld("inetsk.img", kInetskMagic, ReadInetSocket);
    VisitOld("unixsk.img", kUnixskMagic, ReadUnixSocket);
    VisitEntries(source_, folder_, "remap-fpath.img", kRemapFpathMagic, diagnostics_,
                 [this](std::string_view message) { AddRemap(message); });
    return std::move(records_);
  }

 private:
  void Keep(uint64_t id, FileRecord record) {
    if (records_.size() >= limits::kMaxSockets) {
      if (!limited_) {
        diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                            "further open files (kMaxSockets)");
      }
      limited_ = true;
      return;
    }
    records_[id] = std::move(record);
  }

  void VisitOld(const std::string& name, uint32_t magic, FileRecord (*read)(std::string_view)) {
    VisitEntries(source_, folder_, name, magic, diagnostics_, [&](std::string_view message) {
      // Their first field is the id.
      WireReader fields(message);
      for (WireField field; fields.Next(field);) {
        if (field.number != files::kId) continue;
        Keep(field.value, read(message));
        return;
      }
    });
  }

  void AddMemfdInode(std::string_view message) {
    OpenFile file;
    uint64_t inode = 0;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == files::kMemfdName) {
        file.path = fmt::format("/memfd:{}", field.bytes);
      }
      if (field.number == files::kMemfdSize) file.size_bytes = field.value;
      if (field.number == files::kMemfdInode) inode = field.value;
    }
    file.type = 'f';
    file.deleted = true;
    memfds_[inode] = std::move(file);
  }

  FileRecord ReadMemfd(std::string_view message) {
    FileRecord record;
    record.file.type = 'f';
    record.file.path = "/memfd:";
    record.file.deleted = true;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number != files::kMemfdInodeId) continue;
      if (const auto found = memfds_.find(field.value); found != memfds_.end()) {
        record.file = found->second;
      }
    }
    return record;
  }

  static std::string KindName(uint64_t type, uint64_t id) {
    switch (type) {
      case files::kTypePipe: return fmt::format("pipe:[{}]", id);
      case files::kTypeEventfd: return "anon_inode:[eventfd]";
      case files::kTypeEventpoll: return "anon_inode:[eventpoll]";
      case files::kTypeInotify: return "anon_inode:inotify";
      case files::kTypeSignalfd: return "anon_inode:[signalfd]";
      case files::kTypeTimerfd: return "anon_inode:[timerfd]";
      case files::kTypeTty: return "tty";
      case files::kTypeNetlinksk: return fmt::format("socket:[netlink {}]", id);
      default: return fmt::format("file {} of kind {}", id, type);
    }
  }

  void AddEntry(std::string_view message) {
    std::optional<uint64_t> id;
    uint64_t type = 0;
    WireField body;  // the one member that says what it is
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == files::kType) {
        type = field.value;
      } else if (field.number == files::kFileId) {
        id = field.value;
      } else if (field.kind == WireField::Kind::kBytes) {
        body = field;
      }
    }
    if (!id || fields.damaged()) {
      diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                          "files.img: an entry makes no sense");
      return;
    }
    switch (body.number) {
      case files::kReg: return Keep(*id, ReadRegular(body.bytes));
      case files::kIsk: return Keep(*id, ReadInetSocket(body.bytes));
      case files::kUsk: return Keep(*id, ReadUnixSocket(body.bytes));
      case files::kPsk: return Keep(*id, ReadPacketSocket(body.bytes, *id));
      case files::kMemfd: return Keep(*id, ReadMemfd(body.bytes));
      default: break;
    }
    FileRecord record;
    record.file.path = KindName(type, *id);
    record.file.type = type == files::kTypePipe || type == files::kTypeFifo ? 'p'
                       : type == files::kTypeTty                            ? 'c'
                       : type == files::kTypeNetlinksk                      ? 's'
                                                                            : 'a';
    Keep(*id, std::move(record));
  }

  // A file whose name is gone, or names another file now.
  void AddRemap(std::string_view message) {
    uint64_t original = 0;
    uint64_t ghost = 0;
    uint64_t type = remap::kTypeGhost;
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == remap::kOrigId) original = field.value;
      if (field.number == remap::kRemapId) ghost = field.value;
      if (field.number == remap::kRemapType) type = field.value;
    }
    const auto found = records_.find(original);
    if (found == records_.end()) return;
    OpenFile& file = found->second.file;
    if (type != remap::kTypeGhost && type != remap::kTypeLinked) return;
    file.deleted = true;
    if (type == remap::kTypeGhost) FindGhost(ghost, file);
  }

  // The bytes of a deleted file follow their description in a file of their own. In pieces, they
  // are found only when there is one piece; others are named and left.
  void FindGhost(uint64_t number, OpenFile& file) {
    const std::string name = fmt::format("ghost-file-{:x}.img", number);
    const std::string path = fs::JoinPath(folder_, name);
    const auto node = fs::ResolvePath(source_.tree, path);
    if (!node) return;
    const auto stat = source_.tree.GetStat(*node);
    const auto opened = source_.tree.OpenFile(*node);
    if (!stat || !opened) return;
    // The description is short; the content may be long.
    constexpr size_t kHead = 4096;
    std::string head(std::min<uint64_t>(kHead, stat->size_bytes), '\0');
    const auto count = (*opened)->ReadAt(0, AsWritableBytes(head));
    if (!count) return;
    head.resize(*count);
    Result<ImageFile> image = ImageFile::FromBytes(std::move(head), name, kGhostFileMagic);
    std::string_view message;
    if (!image || !image->Next(message)) {
      diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                          name + ": its description makes no sense");
      return;
    }
    bool chunks = false;
    uint64_t size = stat->size_bytes - image->position();
    WireReader fields(message);
    for (WireField field; fields.Next(field);) {
      if (field.number == ghost::kChunks) chunks = field.value != 0;
      if (field.number == ghost::kSize) file.size_bytes = field.value;
    }
    uint64_t offset = image->position();
    if (chunks) {
      std::string_view chunk;
      uint64_t length = 0;
      uint64_t at = 0;
      if (!image->Next(chunk)) return;
      WireReader parts(chunk);
      for (WireField field; parts.Next(field);) {
        if (field.number == ghost::kChunkLen) length = field.value;
        if (field.number == ghost::kChunkOff) at = field.value;
      }
      offset = image->position();
      if (at != 0 || !RangeFits(offset, length, stat->size_bytes) ||
          offset + length != stat->size_bytes) {
        diagnostics_.Report(DiagnosticCode::kCheckpointDamaged, source_.name,
                            name + ": a deleted file in pieces is not put together");
        return;
      }
      size = length;
    }
    file.content = Extent{*node, offset, size};
    file.content_member = path;
    if (!file.size_bytes) file.size_bytes = size;
  }

  const Source& source_;
  const std::string_view folder_;
  DiagnosticSink& diagnostics_;
  FileRecords records_;
  std::map<uint64_t, OpenFile> memfds_;
  bool limited_ = false;
};

}  // namespace

FileRecords ReadFiles(const Source& source, std::string_view folder, DiagnosticSink& diagnostics) {
  return FileReader(source, folder, diagnostics).Run();
}

}  // namespace ekshume::process::checkpoint
