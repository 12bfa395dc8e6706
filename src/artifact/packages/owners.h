// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/time.h"
#include "fs/filesystem.h"

namespace ekshume::artifact::packages {

// The package that a file belongs to, by the databases of dpkg, apk and rpm.
struct Owner {
  std::string package;
  // When it was installed or last upgraded, where that is known (not with apk).
  std::optional<Timestamp> installed;
  // The file that says so, without a leading slash: dpkg's list of the package, else the database.
  std::string record;
};

// The owners of those of `wanted` (paths without a leading slash) that any package has. /bin and
// /usr/bin are one folder, as on merged systems. Databases that cannot be read own nothing; the
// reader of packages reports them.
std::map<std::string, Owner, std::less<>> FindOwners(
    const fs::Filesystem& filesystem, const std::set<std::string, std::less<>>& wanted);

}  // namespace ekshume::artifact::packages
