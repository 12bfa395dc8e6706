// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/tool_archive.h"

#include <algorithm>

#include "casefile/member_path.h"

namespace ekshume::live::kubernetes {

bool IsSafePath(std::string_view path) {
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (!casefile::IsPathComponent(path.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

void ToolArchive::Skip(std::string_view severity, std::string_view what, std::string_view reason,
                       int64_t pid) {
  Json row = {{"what", what}, {"reason", reason}, {"severity", severity}};
  if (pid != 0) row["pid"] = pid;
  skipped_.push_back(std::move(row));
}

Result<void> ToolArchive::SkipOr(const Error& error, const std::string& member, int64_t pid) {
  if (error.code == ErrorCode::kCancelled || error.code == ErrorCode::kNoSpace) return error;
  Skip(error.code == ErrorCode::kNotFound ? "gone" : "loss", member, error.message, pid);
  return {};
}

Result<void> ToolArchive::Table(const std::string& name, const std::vector<Json>& rows) {
  collection::TableWriter table(*writer_, name);
  for (const Json& row : rows) EKSHUME_TRY(table.AddLine(wire::DumpJson(row)));
  return table.Finish();
}

Result<void> ToolArchive::AddRange(std::string_view member, uint64_t size_bytes,
                                   const image::Image& answer, uint64_t offset_bytes,
                                   uint64_t length) {
  EKSHUME_TRY(writer_->Begin(FileMember(member, size_bytes)));
  std::string buffer;
  for (uint64_t done = 0; done < length; done += buffer.size()) {
    buffer.resize(std::min<uint64_t>(kToolCopyBytes, length - done));
    EKSHUME_TRY(answer.ReadAt(offset_bytes + done, AsWritableBytes(buffer)));
    EKSHUME_TRY(writer_->Append(ByteView::Of(buffer)));
  }
  return writer_->End();
}

Result<void> ToolArchive::AddEmpty(std::string_view member) {
  return writer_->Add(FileMember(member, 0));
}

collection::TarMember ToolArchive::FileMember(std::string_view path, uint64_t size_bytes) const {
  collection::TarMember member;
  member.path = path;
  member.stat.type = fs::NodeType::kRegular;
  member.stat.permissions = 0600;
  member.stat.size_bytes = size_bytes;
  member.stat.modified = began_;
  return member;
}

}  // namespace ekshume::live::kubernetes
