// SPDX-License-Identifier: Apache-2.0
#include "runtime/bolt/database.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "base/limits.h"
#include "runtime/bolt/format.h"
#include "runtime/bolt/stale.h"
#include "runtime/memory_tree.h"

namespace ekshume::runtime::bolt {
namespace {

const std::string kData = std::string(EKSHUME_SOURCE_DIR) + "/tests/data/runtime/bolt/";

Result<std::unique_ptr<Database>> Open(std::string_view bytes, DiagnosticSink& diagnostics) {
  return Database::Open(std::make_unique<MemoryTree::MemoryFile>(bytes), "test.db", diagnostics);
}

// Reads everything, as deep as buckets go; returns the number of items.
// NOLINTNEXTLINE(misc-no-recursion): buckets nest no deeper than kMaxBoltDepth
size_t WalkAll(const Bucket& bucket) {
  size_t count = 0;
  bucket.ForEach([&](const Item&) {
    ++count;
    return true;
  });
  bucket.ForEachChild([&](std::string_view, const Bucket& child) { count += WalkAll(child); });
  return count;
}

class PageSizes : public testing::TestWithParam<int> {};

TEST_P(PageSizes, ReadsWhatBboltWrote) {
  const std::string bytes = ReadZst(fmt::format("{}pages-{}.db.zst", kData, GetParam()));
  DiagnosticSink diagnostics;
  const auto database = Open(bytes, diagnostics);
  ASSERT_TRUE(database);
  EXPECT_EQ((*database)->state().page_bytes, static_cast<uint64_t>(GetParam()));
  const Bucket root = (*database)->root();

  const auto many = root.Child("many");
  ASSERT_TRUE(many);
  size_t count = 0;
  many->ForEach([&](const Item& item) {
    EXPECT_EQ(item.key, fmt::format("key-{:04}", count));
    EXPECT_EQ(item.value, fmt::format("value {}", count));
    ++count;
    return true;
  });
  EXPECT_EQ(count, 600U);
  EXPECT_EQ(many->Get("key-0000"), "value 0");
  EXPECT_EQ(many->Get("key-0317"), "value 317");
  EXPECT_EQ(many->Get("key-0599"), "value 599");
  EXPECT_FALSE(many->Get("key-0600"));
  EXPECT_FALSE(many->Get("a"));

  const auto deep = root.Descend({"nested", "a", "b", "c"});
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->Get("deep"), "down");
  EXPECT_FALSE(root.Descend({"nested", "a", "x", "c"}));
  EXPECT_EQ(root.Child("inline")->root_page(), 0U);
  EXPECT_EQ(root.Child("inline")->Get("small"), "value");
  // A value of three pages lies on one page with overflow.
  const auto large = root.Child("large")->Get("blob");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->size(), static_cast<size_t>(GetParam()) * 3);
  EXPECT_EQ(large->substr(large->size() - 4), "cdef");
  // A bucket has no value and a value is no bucket.
  EXPECT_FALSE(root.Get("many"));
  EXPECT_FALSE(many->Child("key-0000"));
  EXPECT_FALSE(root.Child("gone"));
  EXPECT_TRUE(diagnostics.Sorted().empty());
}
INSTANTIATE_TEST_SUITE_P(Bolt, PageSizes, testing::Values(1024, 4096, 16384, 65536));

class BoltTest : public testing::Test {
 protected:
  BoltTest() : bytes_(ReadZst(kData + "small.db.zst")) { EXPECT_FALSE(bytes_.empty()); }

  static constexpr size_t kPage = 1024;
  std::string bytes_;
  DiagnosticSink diagnostics_;
};

TEST_F(BoltTest, FallsBackToTheOtherMetaPage) {
  const auto whole = Open(bytes_, diagnostics_);
  ASSERT_TRUE(whole);
  const uint64_t newest = (*whole)->state().transaction;
  ASSERT_TRUE((*whole)->previous());
  bytes_[(newest % 2) * kPage + 40] ^= 1;
  const auto torn = Open(bytes_, diagnostics_);
  ASSERT_TRUE(torn);
  EXPECT_EQ((*torn)->state().transaction, newest - 1);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kBoltMetaDamaged), 1U);
  // The state before the last transaction: "large" was not there yet, "gone" still was.
  EXPECT_TRUE((*torn)->root().Child("many"));
  EXPECT_TRUE((*torn)->root().Child("gone"));
  EXPECT_FALSE((*torn)->root().Child("large"));
}

TEST_F(BoltTest, ReadsThePreviousState) {
  const auto database = Open(bytes_, diagnostics_);
  ASSERT_TRUE(database && (*database)->previous());
  const Bucket before = (*database)->RootOf(*(*database)->previous());
  ASSERT_TRUE(before.Child("gone"));
  EXPECT_TRUE(before.Child("gone")->Get("deleted-39"));
}

TEST_F(BoltTest, FindsTheSecondMetaPageWithoutTheFirst) {
  bytes_.replace(0, kPage, kPage, '\0');
  const auto database = Open(bytes_, diagnostics_);
  ASSERT_TRUE(database);
  EXPECT_EQ((*database)->root().Child("many")->Get("key-0001"), "value 1");
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kBoltMetaDamaged), 1U);
}

TEST_F(BoltTest, RefusesWhatIsNoDatabase) {
  EXPECT_EQ(Open("", diagnostics_).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(Open(std::string(4096, 'x'), diagnostics_).error().code, ErrorCode::kCorrupt);
}

TEST_F(BoltTest, ReportsAPageThatIsMissing) {
  const auto whole = Open(bytes_, diagnostics_);
  const uint64_t page = (*whole)->root().Child("large")->root_page();
  ASSERT_GT(page, 1U);
  bytes_[page * kPage] ^= 1;  // its number
  const auto database = Open(bytes_, diagnostics_);
  ASSERT_TRUE(database);
  EXPECT_FALSE((*database)->root().Child("large")->Get("blob"));
  EXPECT_EQ((*database)->root().Child("many")->Get("key-0002"), "value 2");
  ASSERT_EQ(diagnostics_.Count(DiagnosticCode::kBoltPageDamaged), 1U);
  EXPECT_EQ(diagnostics_.Sorted()[0].offset_bytes, page * kPage);
}

TEST_F(BoltTest, EndsInALoopOfBranchPages) {
  // The bucket "many" of the larger database has a branch page; let its second child be itself.
  bytes_ = ReadZst(kData + "pages-1024.db.zst");
  const auto whole = Open(bytes_, diagnostics_);
  const uint64_t page = (*whole)->root().Child("many")->root_page();
  const auto self = le64::Of(page).bytes;
  const size_t element = page * kPage + sizeof(PageHeader) + sizeof(BranchPageElement);
  for (size_t i = 0; i < self.size(); ++i) {
    bytes_[element + offsetof(BranchPageElement, pgid) + i] = static_cast<char>(self[i]);
  }
  const auto database = Open(bytes_, diagnostics_);
  ASSERT_TRUE(database);
  std::set<std::string> keys;
  (*database)->root().Child("many")->ForEach(
      [&](const Item& item) { return keys.emplace(item.key).second; });
  EXPECT_GT(keys.size(), 500U);
  EXPECT_LT(keys.size(), 600U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kBoltPageDamaged), 1U);
  // A lookup that is led into the loop ends too.
  for (int i = 0; i < 600; ++i) {
    const std::string key = fmt::format("key-{:04}", i);
    EXPECT_EQ((*database)->root().Child("many")->Get(key).has_value(), keys.contains(key));
  }
  EXPECT_TRUE(std::ranges::any_of(diagnostics_.Sorted(), [](const Diagnostic& each) {
    return each.code == DiagnosticCode::kBoltPageDamaged &&
           each.detail.starts_with("kMaxBoltDepth: too many levels");
  }));
}

TEST_F(BoltTest, BucketsInThemselvesEnd) {
  const auto whole = Open(bytes_, diagnostics_);
  const uint64_t root = (*whole)->state().root;
  const uint64_t page = (*whole)->root().Child("large")->root_page();
  const auto head = [](uint64_t root_page) {
    return "large" + std::string(AsBytes(le64::Of(root_page)).AsText());
  };
  const size_t at = bytes_.find(head(page), root * kPage);
  ASSERT_LT(at, (root + 1) * kPage);
  bytes_.replace(at, head(root).size(), head(root));
  const auto database = Open(bytes_, diagnostics_);
  ASSERT_TRUE(database);
  int depth = 0;
  for (auto bucket = (*database)->root().Child("large"); bucket; bucket = bucket->Child("large")) {
    ASSERT_LT(++depth, limits::kMaxBoltDepth);
  }
  EXPECT_EQ(depth, limits::kMaxBoltDepth - 1);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kBoltPageDamaged);
  EXPECT_TRUE(reported[0].detail.starts_with("kMaxBoltDepth")) << reported[0].detail;
}

// A database that claims to be larger than it is: the rest reads as zeros.
class HugeFile final : public fs::File {
 public:
  explicit HugeFile(std::string bytes) : bytes_(std::move(bytes)) {}
  uint64_t size_bytes() const override { return uint64_t{1} << 40; }
  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    std::ranges::fill(out, std::byte{0});
    CopyBytes(out, ByteView::Of(bytes_).From(offset_bytes).First(out.size()));
    return out.size();
  }
  std::span<const fs::Run> runs() const override { return {}; }

 private:
  const std::string bytes_;
};

TEST_F(BoltTest, PagesInMemoryAreBounded) {
  const auto whole = Open(bytes_, diagnostics_);
  const uint64_t page = (*whole)->root().Child("large")->root_page();
  const auto claim = [&](uint64_t bytes) {
    std::string changed = bytes_;
    changed.replace(page * kPage + offsetof(PageHeader, overflow), sizeof(le32),
                    AsBytes(le32::Of(static_cast<uint32_t>(bytes / kPage - 1))).AsText());
    return Database::Open(std::make_unique<HugeFile>(changed), "test.db", diagnostics_);
  };
  EXPECT_TRUE((*claim(4 * kPage))->root().Child("large")->Get("blob"));
  EXPECT_TRUE(diagnostics_.Sorted().empty());
  const auto database = claim(limits::kMaxBoltBytes + kPage);
  EXPECT_FALSE((*database)->root().Child("large")->Get("blob"));
  EXPECT_TRUE((*database)->root().Child("many")->Get("key-0001")) << "the others are read";
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kBoltPageDamaged);
  EXPECT_EQ(reported[0].offset_bytes, page * kPage);
  EXPECT_TRUE(reported[0].detail.contains("kMaxBoltBytes")) << reported[0].detail;
}

TEST_F(BoltTest, StalePagesAreLookedForOnlySoFar) {
  // The newest meta page says that more pages were used, and the file has them.
  constexpr size_t kLargePage = 65536;
  bytes_ = ReadZst(kData + "pages-65536.db.zst");
  const auto whole = Open(bytes_, diagnostics_);
  const size_t at = (*whole)->state().transaction % 2 * kLargePage + sizeof(PageHeader);
  Meta meta = ByteView::Of(bytes_).Read<Meta>(at).value();
  meta.pgid = le64::Of(limits::kMaxBoltBytes / kLargePage + 1);
  uint64_t checksum = 0xcbf29ce484222325U;  // FNV-1a
  for (const std::byte byte : AsBytes(meta).First(offsetof(Meta, checksum)).AsSpan()) {
    checksum = (checksum ^ static_cast<uint64_t>(byte)) * 0x100000001b3U;
  }
  meta.checksum = le64::Of(checksum);
  const auto stale = StalePages(**whole);
  bytes_.replace(at, sizeof(meta), AsBytes(meta).AsText());
  const auto database = Database::Open(std::make_unique<HugeFile>(bytes_), "test.db", diagnostics_);
  ASSERT_TRUE(database);
  ASSERT_GT((*database)->state().high_water, limits::kMaxBoltBytes / kLargePage);
  EXPECT_EQ(StalePages(**database), stale);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kRuntimeLimit);
  EXPECT_TRUE(reported[0].detail.starts_with("kMaxBoltBytes")) << reported[0].detail;
}

TEST_F(BoltTest, ItemsVisitedAreBounded) {
  const auto database = Open(bytes_, diagnostics_);
  const auto many = (*database)->root().Child("many");
  EXPECT_TRUE(many->Get("key-0001"));
  size_t counted = 0;
  while ((*database)->CountItem()) ++counted;
  EXPECT_LT(counted, limits::kMaxBoltItems) << "those that were visited before count too";
  EXPECT_GT(counted, limits::kMaxBoltItems - 100);
  many->ForEach([&](const Item&) {
    ADD_FAILURE() << "nothing more is visited";
    return true;
  });
  EXPECT_FALSE(many->Get("key-0001"));
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kRuntimeLimit);
  EXPECT_TRUE(reported[0].detail.starts_with("kMaxBoltItems")) << reported[0].detail;
}

TEST_F(BoltTest, ListsStalePages) {
  const auto database = Open(bytes_, diagnostics_);
  ASSERT_TRUE(database);
  bool found = false;
  for (const uint64_t page : StalePages(**database)) {
    found |= (*database)->BucketAt(page).Get("deleted-00").has_value();
  }
  EXPECT_TRUE(found) << "the deleted bucket's page is not overwritten";
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(BoltTest, SurvivesEveryTruncation) {
  const size_t whole = WalkAll((*Open(bytes_, diagnostics_))->root());
  for (size_t length = 0; length < bytes_.size(); length += 7) {
    DiagnosticSink diagnostics;
    const auto database = Open(std::string_view(bytes_).substr(0, length), diagnostics);
    if (!database) continue;
    EXPECT_LE(WalkAll((*database)->root()), whole);
    StalePages(**database);
  }
}

TEST_F(BoltTest, SurvivesEveryByteFlip) {
  for (size_t at = 0; at < bytes_.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      bytes_[at] = static_cast<char>(bytes_[at] ^ flip);
      DiagnosticSink diagnostics;
      if (const auto database = Open(bytes_, diagnostics)) {
        EXPECT_LT(WalkAll((*database)->root()), 1000U);
        StalePages(**database);
      }
      bytes_[at] = static_cast<char>(bytes_[at] ^ flip);
    }
  }
}

}  // namespace
}  // namespace ekshume::runtime::bolt
