// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/acquire_bucket.h"

#include <gtest/gtest.h>

#include "casefile/member_path.h"

namespace ekshume::live::cloud {
namespace {

TEST(PathOfKey, KeepsPlainKeys) {
  EXPECT_EQ(PathOfKey("AWSLogs/123456789012/a b+c.json.gz"), "AWSLogs/123456789012/a b+c.json.gz");
}

TEST(PathOfKey, LeadsNowhereElse) {
  EXPECT_EQ(PathOfKey("../../etc/passwd"), "%2E%2E/%2E%2E/etc/passwd");
  EXPECT_EQ(PathOfKey("/a//b/"), "%/a/%/b/%");
  EXPECT_EQ(PathOfKey("a/./b"), "a/%2E/b");
  EXPECT_EQ(PathOfKey("a\nb%41"), "a%0Ab%2541");
  EXPECT_EQ(PathOfKey(""), "%");
}

TEST(PathOfKey, ShortensLongParts) {
  const std::string path = PathOfKey("x/" + std::string(1000, 'y'));
  EXPECT_EQ(path.size(), 2U + 1U + 64U);
  EXPECT_NE(path, PathOfKey("x/" + std::string(1001, 'y')));
}

TEST(PathOfKey, EveryPartIsOnePathComponent) {
  for (const char* key : {"..", "./..", "a/../b", "//", "\x01/\x7f", "a/b/"}) {
    const std::string path = PathOfKey(key);
    size_t begin = 0;
    while (begin <= path.size()) {
      const size_t end = std::min(path.find('/', begin), path.size());
      EXPECT_TRUE(casefile::IsPathComponent(path.substr(begin, end - begin))) << key;
      begin = end + 1;
    }
  }
}

}  // namespace
}  // namespace ekshume::live::cloud
