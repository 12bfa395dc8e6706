// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/owners.h"

#include <string_view>
#include <unordered_map>

#include "artifact/packages/rpm_header.h"
#include "artifact/packages/sqlite.h"
#include "base/limits.h"
#include "base/text.h"
#include "fs/path.h"

namespace ekshume::artifact::packages {
namespace {

constexpr std::string_view kDpkgInfo = "var/lib/dpkg/info";

// The one spelling of a path that lists and layers may spell in several ways.
std::string Canonical(std::string_view path) {
  while (path.starts_with('/') || path.starts_with("./")) path.remove_prefix(1);
  for (const std::string_view folder : {"bin/", "sbin/", "lib/", "lib64/"}) {
    if (path.starts_with(folder)) return "usr/" + std::string(path);
  }
  return std::string(path);
}

class OwnerFinder {
 public:
  OwnerFinder(const fs::Filesystem& filesystem, const std::set<std::string, std::less<>>& wanted)
      : filesystem_(filesystem) {
    for (const std::string& path : wanted) wanted_.emplace(Canonical(path), path);
  }

  std::map<std::string, Owner, std::less<>> Find() {
    ReadDpkg();
    for (const char* path : {"lib/apk/db/installed", "usr/lib/apk/db/installed"}) ReadApk(path);
    for (const char* path : {"var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite"}) {
      ReadRpm(path);
    }
    return std::move(owners_);
  }

 private:
  void Offer(std::string_view path, const Owner& owner) {
    const auto found = wanted_.find(Canonical(path));
    if (found != wanted_.end()) owners_.try_emplace(found->second, owner);
  }

  // "curl.list", "libc6:amd64.list": a path on each line.
  void ReadDpkg() {
    const auto folder = fs::ResolvePath(filesystem_, kDpkgInfo);
    if (!folder) return;
    const auto entries = fs::ListDirectory(filesystem_, *folder);
    if (!entries) return;
    constexpr std::string_view kSuffix = ".list";
    for (const fs::DirectoryEntry& entry : *entries) {
      if (!entry.name.ends_with(kSuffix)) continue;
      const auto content = fs::ReadWholeFile(filesystem_, entry.node, limits::kMaxArtifactBytes);
      if (!content) continue;
      const std::string_view name = entry.name;
      Owner owner;
      owner.package = name.substr(0, std::min(name.find(':'), name.size() - kSuffix.size()));
      owner.record = fs::JoinPath(kDpkgInfo, name);
      if (const auto stat = filesystem_.GetStat(entry.node)) owner.installed = stat->modified;
      for (const std::string_view path : SplitNonEmpty(*content, '\n')) Offer(path, owner);
    }
  }

  // apk-tools' installed: "P:" names the package, "F:" a folder, "R:" a file in it.
  void ReadApk(const char* database) {
    const auto content = fs::ReadWholeFile(filesystem_, database, limits::kMaxArtifactBytes);
    if (!content) return;
    Owner owner;
    owner.record = database;
    std::string_view folder;
    for (const std::string_view line : SplitNonEmpty(*content, '\n')) {
      if (line.starts_with("P:")) owner.package = line.substr(2);
      if (line.starts_with("F:")) folder = line.substr(2);
      if (line.starts_with("R:")) Offer(fs::JoinPath(folder, line.substr(2)), owner);
    }
  }

  void ReadRpm(const char* path) {
    auto content = fs::ReadWholeFile(filesystem_, path, limits::kMaxArtifactBytes);
    if (!content) return;
    const auto database = SqliteDatabase::Open(*std::move(content));
    if (!database) return;
    const auto done = (*database)->Query(
        "SELECT blob FROM Packages ORDER BY hnum", [&](const SqliteDatabase::Row& row) {
          const auto package = ParseRpmHeader(row.Bytes(0));
          if (!package) return true;
          const Owner owner{package->name, package->installed, path};
          const auto visited = VisitRpmFiles(row.Bytes(0), [&](std::string_view folder,
                                                               std::string_view name) {
            Offer(fs::JoinPath(folder.ends_with('/') ? folder.substr(0, folder.size() - 1) : folder,
                               name),
                  owner);
          });
          static_cast<void>(visited);  // a damaged header owns what could be read of it
          return true;
        });
    static_cast<void>(done);
  }

  const fs::Filesystem& filesystem_;
  std::unordered_map<std::string, std::string> wanted_;  // canonical -> as asked
  std::map<std::string, Owner, std::less<>> owners_;
};

}  // namespace

std::map<std::string, Owner, std::less<>> FindOwners(
    const fs::Filesystem& filesystem, const std::set<std::string, std::less<>>& wanted) {
  if (wanted.empty()) return {};
  return OwnerFinder(filesystem, wanted).Find();
}

}  // namespace ekshume::artifact::packages
