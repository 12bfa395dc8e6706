// SPDX-License-Identifier: Apache-2.0
#include "image/temporary_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace ekshume::image {
namespace {

nlink_t Links(int descriptor) {
  struct stat status{};
  EXPECT_EQ(fstat(descriptor, &status), 0);
  return status.st_nlink;
}

TEST(TemporaryFileTest, HasNoName) {
  const auto file = OpenTemporaryFile();
  ASSERT_TRUE(file);
  EXPECT_EQ(Links(file->number()), 0U);
}

TEST(TemporaryFileTest, LosesItsNameWhenTold) {
  auto file = NamedTemporaryFile::Open();
  ASSERT_TRUE(file);
  NamedTemporaryFile moved = *std::move(file);
  EXPECT_EQ(Links(moved.number()), 1U);
  moved.RemoveName();
  EXPECT_EQ(Links(moved.number()), 0U);
}

}  // namespace
}  // namespace ekshume::image
