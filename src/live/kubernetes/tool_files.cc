// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/tool_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "fs/archive/tar.h"
#include "fs/walk.h"
#include "live/kubernetes/tool_answers.h"

namespace ekshume::live::kubernetes {
namespace {

Result<void> WriteContent(const fs::Filesystem& tree, const fs::WalkItem& item,
                          const collection::TarMember& member, ToolArchive& archive) {
  const auto file = tree.OpenFile(item.node);
  if (!file) return archive.SkipOr(file.error(), member.path, 0);
  collection::Writer& writer = archive.writer();
  EKSHUME_TRY(writer.Begin(member));
  std::string buffer(kToolCopyBytes, '\0');
  for (uint64_t offset = 0; offset < item.stat.size_bytes;) {
    const auto got = (*file)->ReadAt(offset, AsWritableBytes(buffer));
    if (!got || *got == 0) {
      archive.Skip("loss", member.path, "tar's archive ends within it");
      break;
    }
    const uint64_t count = std::min<uint64_t>(*got, item.stat.size_bytes - offset);
    EKSHUME_TRY(writer.Append(ByteView::Of(buffer).First(static_cast<size_t>(count))));
    offset += count;
  }
  return writer.End();
}

Result<void> WriteNode(const fs::Filesystem& tree, const fs::WalkItem& item, ToolArchive& archive) {
  if (!IsSafePath(item.path)) return {};
  collection::TarMember member;
  member.path = fmt::format("root/{}", item.path);
  member.stat = item.stat;
  Json row = {{"member", member.path},
              {"path", fmt::format("/{}", item.path)},
              {"mode", fmt::format("{:04o}", item.stat.permissions)},
              {"uid", item.stat.uid},
              {"gid", item.stat.gid},
              {"size", item.stat.size_bytes},
              {"modified", FormatTimestamp(item.stat.modified)}};
  if (item.stat.type == fs::NodeType::kSymlink) {
    member.link_target = EKSHUME_TRY(tree.ReadSymlink(item.node));
    row["target"] = member.link_target;
  }
  archive.files().push_back(std::move(row));
  if (item.stat.type == fs::NodeType::kRegular) return WriteContent(tree, item, member, archive);
  member.stat.size_bytes = 0;
  return archive.writer().Add(member);
}

}  // namespace

Result<void> WriteTarredFiles(const image::Image& answer, ToolArchive& archive) {
  DiagnosticSink damage;
  const auto tree = fs::archive::OpenTar(answer, "files.tar", damage);
  if (!tree) return archive.SkipOr(tree.error(), "root", 0);
  Result<void> outcome;
  EKSHUME_TRY(fs::Walk(**tree, (*tree)->root(), damage, [&](const fs::WalkItem& item) {
    if (item.path.empty()) return fs::WalkStep::kContinue;
    outcome = WriteNode(**tree, item, archive);
    return outcome ? fs::WalkStep::kContinue : fs::WalkStep::kStop;
  }));
  EKSHUME_TRY(std::move(outcome));
  for (const Diagnostic& diagnostic : damage.Sorted()) {
    archive.Skip("loss", "root", diagnostic.detail);
  }
  return {};
}

Result<void> WriteListedFiles(const image::Image& answer, const std::string& boundary,
                              ToolArchive& archive) {
  const std::vector<Section> sections = EKSHUME_TRY(FindSections(answer, boundary));
  if (sections.empty() || sections.back().name != "end") {
    archive.Skip("loss", "root", "its shell ended before it had all files");
  }
  std::set<std::string> written;
  for (const Section& section : sections) {
    if (section.name == "end" || !IsSafePath(section.name)) continue;
    if (!written.insert(section.name).second) continue;
    const std::string member = fmt::format("root/{}", section.name);
    // Only a tar header would tell owner, mode and times.
    archive.files().push_back({{"member", member},
                               {"path", fmt::format("/{}", section.name)},
                               {"type", "f"},
                               {"size", section.size_bytes},
                               {"modified", nullptr}});
    EKSHUME_TRY(archive.AddRange(member, section.size_bytes, answer, section.offset_bytes,
                                 section.size_bytes));
  }
  return {};
}

}  // namespace ekshume::live::kubernetes
