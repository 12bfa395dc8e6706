// SPDX-License-Identifier: Apache-2.0
#include "casefile/mount.h"

#include <gtest/gtest.h>

#include "casefile/mount_listing.h"
#include "fs/overlay/memory_filesystem.h"

namespace ekshume::casefile {
namespace {

using fs::overlay::MemoryFilesystem;

TEST(MountTest, RefusesWhatIsNoFolder) {
  const MemoryFilesystem files;
  const auto missing = MountAndServe(files, "/nonexistent/folder", {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().code == ErrorCode::kInvalidArgument ||
              missing.error().code == ErrorCode::kUnsupported);
}

TEST(ListingCacheTest, SortsAndLeavesOutImpossibleNames) {
  MemoryFilesystem files;
  files.File("b", "");
  files.File("a", "");
  for (const std::string name : {"..", ".", "x/y", ""}) {
    files.Link(files.root(), name, files.Add(fs::NodeType::kRegular));
  }
  ListingCache cache(files);
  const auto listing = cache.Get(files.root());
  ASSERT_TRUE(listing.has_value());
  ASSERT_EQ((*listing)->entries.size(), 2U);
  EXPECT_EQ((*listing)->entries[0].name, "a");
  EXPECT_EQ((*listing)->by_name.at("b"), 1U);
  EXPECT_EQ(cache.Get(files.root())->get(), listing->get());  // the same one again
  EXPECT_FALSE(cache.Get((*listing)->entries[0].node).has_value());
}

}  // namespace
}  // namespace ekshume::casefile
