// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_intents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/path.h"
#include "fs/xfs/attribute.h"
#include "fs/xfs/checksum.h"
#include "fs/xfs/da_format.h"
#include "fs/xfs/log_intent_finish.h"
#include "fs/xfs/log_testing.h"
#include "fs/xfs/testing_sample.h"

namespace ekshume::fs::xfs {
namespace {

using testing::BytesOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::LogWriter;
using testing::OpenXfs;
using testing::SampleBytes;
using testing::TestImage;
using testing::Transaction;
using Regions = std::vector<std::string>;

// The log of the sample of version 5, written by hand, and what a reader then sees. "/fragmented"
// has 45 blocks with holes between them and a tree of extents, "/mixed" a short list of them;
// "/x-*" have attributes of every form.
class LogIntentsTest : public ::testing::Test {
 protected:
  LogIntentsTest()
      : image_(SampleBytes("v5")),
        superblock_(ParseSuperblock(ByteView::Of(image_).Read<Dsb>(0).value(), false).value()),
        log_(image_, superblock_),
        raw_image_(SampleBytes("v5")),
        raw_(OpenXfs(raw_image_, ignored_, true).value()) {
    log_.BeginAt(0, 9);
  }

  void Write(const Regions& item) { log_.Write(Transaction(++tid_, item)); }
  // Opens the filesystem; what it says is in details_.
  std::unique_ptr<Filesystem> Open() {
    replayed_image_ = std::make_unique<TestImage>(image_);
    auto filesystem = OpenXfs(*replayed_image_, sink_).value();
    for (const Diagnostic& diagnostic : sink_.Sorted()) {
      details_ += fmt::format("{}: {}\n", DiagnosticCodeName(diagnostic.code), diagnostic.detail);
    }
    return filesystem;
  }

  uint64_t InodeOf(const std::string& path) const {
    return static_cast<uint64_t>(ResolvePath(*raw_, path, FollowLast::kNo).value());
  }
  Stat StatOf(const std::string& path) const {
    return raw_->GetStat(NodeId{InodeOf(path)}).value();
  }
  static std::string Content(const Filesystem& filesystem, uint64_t inode) {
    const auto file = filesystem.OpenFile(NodeId{inode}).value();
    std::string bytes(file->size_bytes(), '?');
    EXPECT_EQ(file->ReadAt(0, AsWritableBytes(bytes)).value(), bytes.size());
    return bytes;
  }
  std::string RawContent(const std::string& path) const { return Content(*raw_, InodeOf(path)); }
  // The filesystem block that holds a file's block.
  uint64_t BlockOf(const std::string& path, uint64_t file_block) const {
    const auto file = raw_->OpenFile(NodeId{InodeOf(path)}).value();
    for (const fs::Run& run : file->runs()) {
      if (run.file_offset_bytes > file_block * 1024 || run.kind == fs::Run::Kind::kHole) continue;
      if (file_block * 1024 >= run.file_offset_bytes + run.length_bytes) continue;
      const uint64_t at = run.device_offset_bytes + file_block * 1024 - run.file_offset_bytes;
      return superblock_.FsBlockOf(static_cast<uint32_t>(at / 1024 / superblock_.ag_blocks),
                                   static_cast<uint32_t>(at / 1024 % superblock_.ag_blocks));
    }
    return UINT64_MAX;
  }

  Regions Bui(uint32_t flags, uint64_t inode, uint64_t file_block, uint64_t block, uint32_t count) {
    return {BytesOf(IntentLogHeader{le16::Of(kLiBui), le16::Of(1), le32::Of(1), le64::Of(++id_)}) +
            BytesOf(MapExtent{le64::Of(inode), le64::Of(block), le64::Of(file_block),
                              le32::Of(count), le32::Of(flags)})};
  }
  Regions Xmi(const std::string& one, uint64_t start_one, const std::string& two,
              uint64_t start_two, uint64_t count, uint64_t flags) {
    XmiLogFormat format{};
    format.xmi_type = le16::Of(kLiXmi);
    format.xmi_size = le16::Of(1);
    format.xmi_id = le64::Of(++id_);
    format.xmi_inode1 = le64::Of(InodeOf(one));
    format.xmi_inode2 = le64::Of(InodeOf(two));
    format.xmi_igen1 = le32::Of(StatOf(one).generation);
    format.xmi_igen2 = le32::Of(StatOf(two).generation);
    format.xmi_startoff1 = le64::Of(start_one);
    format.xmi_startoff2 = le64::Of(start_two);
    format.xmi_blockcount = le64::Of(count);
    format.xmi_flags = le64::Of(flags);
    format.xmi_isize1 = le64::Of(StatOf(two).size_bytes);
    format.xmi_isize2 = le64::Of(StatOf(one).size_bytes);
    return {BytesOf(format)};
  }
  Regions Attri(uint64_t inode, uint32_t operation, uint32_t filter, const std::string& name,
                const std::string& value) {
    AttriLogFormat format{};
    format.alfi_type = le16::Of(kLiAttri);
    format.alfi_size = le16::Of(value.empty() ? 2 : 3);
    format.alfi_id = le64::Of(++id_);
    format.alfi_ino = le64::Of(inode);
    format.alfi_op_flags = le32::Of(operation);
    format.alfi_name_len = le32::Of(static_cast<uint32_t>(name.size()));
    format.alfi_value_len = le32::Of(static_cast<uint32_t>(value.size()));
    format.alfi_attr_filter = le32::Of(filter);
    const auto padded = [](std::string bytes) {
      bytes.resize((bytes.size() + 3) / 4 * 4);
      return bytes;
    };
    if (value.empty()) return {BytesOf(format), padded(name)};
    return {BytesOf(format), padded(name), padded(value)};
  }

  // What becomes of an item when it is finished alone.
  Result<std::string> Finish(const Regions& item,
                             size_t most_extents = limits::kMaxLogIntentExtents) {
    DiagnosticSink sink;
    const Context context{raw_image_, superblock_, sink};
    IntentFinisher finisher(context, most_extents);
    std::vector<ByteView> regions;
    for (const std::string& region : item) regions.push_back(ByteView::Of(region));
    const auto type = regions.empty() ? Result<le16>(le16{}) : regions[0].Read<le16>(0);
    auto outcome = finisher.Finish(type ? type->value() : 0, regions);
    // Nothing is changed by what failed.
    if (!outcome) {
      for (const auto& [inode, change] : finisher.Take().by_inode) {
        EXPECT_TRUE(change.attributes.empty() && !change.size_bytes && !change.block_count);
      }
    }
    return outcome;
  }

  std::string image_;
  const Superblock superblock_;
  LogWriter log_;
  DiagnosticSink ignored_;
  const TestImage raw_image_;
  const std::unique_ptr<Filesystem> raw_;
  std::unique_ptr<TestImage> replayed_image_;
  uint32_t tid_ = 6;
  uint64_t id_ = 0;
  DiagnosticSink sink_;
  std::string details_;
};

TEST_F(LogIntentsTest, FinishesMappings) {
  for (const std::string path : {"/fragmented", "/mixed"}) {
    const uint64_t inode = InodeOf(path);
    // Block 5 holds data in one file, block 4 in the other.
    const uint64_t from = path == "/mixed" ? 5 : 4;
    Write(Bui(kBmapMap, inode, 1, BlockOf(path, from), 1));
    Write(Bui(kBmapUnmap, inode, from, BlockOf(path, from), 1));
    Write(Bui(kBmapMap | kBmapExtentUnwritten, inode, 100, BlockOf(path, from), 1));
  }
  const auto filesystem = Open();
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsIntentUnfinished), 6U) << details_;
  EXPECT_FALSE(sink_.HasLoss()) << details_;
  for (const std::string path : {"/fragmented", "/mixed"}) {
    const size_t from = path == "/mixed" ? 5 : 4;
    std::string expected = RawContent(path);
    expected.replace(1024, 1024, expected.substr(from * 1024, 1024));
    expected.replace(from * 1024, 1024, std::string(1024, '\0'));
    const uint64_t inode = InodeOf(path);
    EXPECT_EQ(Content(*filesystem, inode), expected) << path;
    EXPECT_EQ(filesystem->GetStat(NodeId{inode})->allocated_bytes,
              StatOf(path).allocated_bytes + 1024);
  }
}

TEST_F(LogIntentsTest, UnmapsAPartOfAnExtent) {
  // "/mixed" has blocks 3 to 8 in one stretch but for what is written of it.
  const uint64_t inode = InodeOf("/mixed");
  Write(Bui(kBmapUnmap, inode, 4, BlockOf("/mixed", 4), 3));
  const auto filesystem = Open();
  EXPECT_EQ(Content(*filesystem, inode), std::string(40 * 1024, '\0'));
  EXPECT_EQ(filesystem->GetStat(NodeId{inode})->allocated_bytes,
            StatOf("/mixed").allocated_bytes - 3072);
  const auto file = filesystem->OpenFile(NodeId{inode}).value();
  std::vector<std::pair<uint64_t, fs::Run::Kind>> runs;
  for (const fs::Run& run : file->runs()) {
    runs.emplace_back(run.file_offset_bytes / 1024, run.kind);
  }
  using enum fs::Run::Kind;
  EXPECT_THAT(runs, ElementsAre(std::pair(0, kHole), std::pair(3, kUnwritten), std::pair(4, kHole),
                                std::pair(7, kUnwritten), std::pair(9, kHole)));
}

TEST_F(LogIntentsTest, KnowsWhichIntentsAreDone) {
  const uint64_t inode = InodeOf("/mixed");
  const auto done = [](uint16_t type, uint64_t id) {
    return Regions{BytesOf(IntentLogHeader{le16::Of(type), le16::Of(1), {}, le64::Of(id)})};
  };
  Write(Bui(kBmapUnmap, inode, 5, BlockOf("/mixed", 5), 1));
  Write(done(kLiBud, 1));
  Write(Xmi("/mixed", 0, "/fragmented", 0, 40, kXmiSetSizes));
  Write(done(kLiXmd, 2));
  Write(Attri(inode, kAttriSet, 0, "name", "value"));
  Write(done(kLiAttrd, 3));
  const auto filesystem = Open();
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsIntentUnfinished), 0U) << details_;
  EXPECT_EQ(Content(*filesystem, inode), RawContent("/mixed"));
  EXPECT_TRUE(filesystem->ReadXattrs(NodeId{inode})->empty());
}

TEST_F(LogIntentsTest, FinishesExchanges) {
  Write(Xmi("/mixed", 0, "/fragmented", 0, 1000, kXmiSetSizes));
  const auto filesystem = Open();
  EXPECT_FALSE(sink_.HasLoss()) << details_;
  EXPECT_EQ(Content(*filesystem, InodeOf("/mixed")), RawContent("/fragmented"));
  EXPECT_EQ(Content(*filesystem, InodeOf("/fragmented")), RawContent("/mixed"));
  const auto blocks = [&](const std::string& path) {
    return filesystem->GetStat(NodeId{InodeOf(path)})->allocated_bytes;
  };
  // The block of the tree of extents stays counted where it was.
  EXPECT_EQ(blocks("/mixed"), StatOf("/fragmented").allocated_bytes - 1024);
  EXPECT_EQ(blocks("/mixed") + blocks("/fragmented"),
            StatOf("/mixed").allocated_bytes + StatOf("/fragmented").allocated_bytes);
}

// The first file has grown on the way when the log is cut later: what the second one becomes is
// what the intent says, not the size that the first one has by then.
TEST_F(LogIntentsTest, GivesExchangedFilesTheSizesThatTheLogSays) {
  Regions regions = Xmi("/mixed", 0, "/fragmented", 0, 1000, kXmiSetSizes);
  XmiLogFormat format = ByteView::Of(regions[0]).Read<XmiLogFormat>(0).value();
  format.xmi_isize2 = le64::Of(1234);
  regions[0] = BytesOf(format);
  Write(regions);
  const auto filesystem = Open();
  EXPECT_EQ(Content(*filesystem, InodeOf("/mixed")), RawContent("/fragmented"));
  EXPECT_EQ(Content(*filesystem, InodeOf("/fragmented")), RawContent("/mixed").substr(0, 1234));
}

TEST_F(LogIntentsTest, ExchangesPartsOfFiles) {
  // Blocks 4 and 5 of the one, the second of which is written, against 7 and 8 of the other, the
  // second of which is.
  Write(Xmi("/mixed", 4, "/fragmented", 7, 2, 0));
  const auto filesystem = Open();
  std::string mixed = RawContent("/mixed");
  std::string fragmented = RawContent("/fragmented");
  const std::string part = mixed.substr(4096, 2048);
  mixed.replace(4096, 2048, fragmented.substr(7168, 2048));
  fragmented.replace(7168, 2048, part);
  EXPECT_EQ(Content(*filesystem, InodeOf("/mixed")), mixed);
  EXPECT_EQ(Content(*filesystem, InodeOf("/fragmented")), fragmented);
}

TEST_F(LogIntentsTest, ExchangesOnlyWhatIsWrittenWhenTold) {
  Write(Xmi("/mixed", 0, "/fragmented", 1, 30, kXmiIno1Written | kXmiClearIno1Reflink));
  const auto filesystem = Open();
  std::string mixed = RawContent("/mixed");
  std::string fragmented = RawContent("/fragmented");
  const std::string part = mixed.substr(5120, 1024);
  mixed.replace(5120, 1024, fragmented.substr(6144, 1024));
  fragmented.replace(6144, 1024, part);
  EXPECT_EQ(Content(*filesystem, InodeOf("/mixed")), mixed);
  EXPECT_EQ(Content(*filesystem, InodeOf("/fragmented")), fragmented);
}

TEST_F(LogIntentsTest, ExchangesRangesOfOneFile) {
  Write(Xmi("/fragmented", 0, "/fragmented", 21, 4, 0));
  const auto filesystem = Open();
  std::string expected = RawContent("/fragmented");
  const std::string part = expected.substr(0, 4096);
  expected.replace(0, 4096, expected.substr(21504, 4096)).replace(21504, 4096, part);
  EXPECT_EQ(Content(*filesystem, InodeOf("/fragmented")), expected);
  EXPECT_EQ(filesystem->GetStat(NodeId{InodeOf("/fragmented")})->allocated_bytes,
            StatOf("/fragmented").allocated_bytes);
}

TEST_F(LogIntentsTest, FinishesChangesOfAttributes) {
  std::map<std::string, std::map<std::string, std::string>> expected;
  for (const std::string form : {"short", "leaf", "node", "remote"}) {
    const uint64_t inode = InodeOf("/x-" + form);
    auto& attributes = expected[form];
    const auto before = raw_->ReadXattrs(NodeId{inode}).value();
    for (const Xattr& xattr : before) attributes[xattr.name] = xattr.value;
    Write(Attri(inode, kAttriSet, 0, "new", "value"));
    attributes["user.new"] = "value";
    Write(Attri(inode, kAttriSet, kAttrSecure, "new", std::string(5000, 'x')));
    attributes["security.new"] = std::string(5000, 'x');
    Write(Attri(inode, kAttriSet, kAttrRoot, "empty", ""));
    attributes["trusted.empty"] = "";
    const std::string name = form + "-0";
    ASSERT_TRUE(attributes.contains("user." + name));
    // The same name in another name space is another attribute.
    Write(Attri(inode, kAttriRemove, kAttrRoot, name, ""));
    if (form == "leaf" || form == "remote") {
      Write(Attri(inode, kAttriReplace, kAttrIncomplete, name, "other"));
      attributes["user." + name] = "other";
    } else {
      Write(Attri(inode, kAttriRemove, 0, name, ""));
      attributes.erase("user." + name);
    }
  }
  // One that had none.
  const uint64_t fragmented = InodeOf("/fragmented");
  Write(Attri(fragmented, kAttriSet, kAttrRoot, "overlay.opaque", "y"));
  const auto filesystem = Open();
  EXPECT_FALSE(sink_.HasLoss()) << details_;
  for (const auto& [form, attributes] : expected) {
    std::map<std::string, std::string> shown;
    const auto now = filesystem->ReadXattrs(NodeId{InodeOf("/x-" + form)}).value();
    for (const Xattr& xattr : now) {
      EXPECT_TRUE(shown.emplace(xattr.name, xattr.value).second) << xattr.name;
    }
    EXPECT_EQ(shown, attributes) << form;
  }
  const auto opaque = filesystem->ReadXattrs(NodeId{fragmented}).value();
  ASSERT_EQ(opaque.size(), 1U);
  EXPECT_EQ(opaque[0].name, "trusted.overlay.opaque");
}

TEST_F(LogIntentsTest, ShowsAnAclThatWasBeingSet) {
  const uint64_t inode = InodeOf("/x-short");
  std::string acl = BytesOf(be32::Of(1));
  acl += BytesOf(XfsAclEntry{be32::Of(1), be32::Of(0xffffffff), be16::Of(7), {}});
  Write(Attri(inode, kAttriSet, kAttrRoot, "SGI_ACL_FILE", acl));
  const auto filesystem = Open();
  const auto shown = filesystem->ReadXattrs(NodeId{inode}).value();
  const auto found = std::ranges::find(shown, "system.posix_acl_access", &Xattr::name);
  ASSERT_NE(found, shown.end());
  EXPECT_EQ(found->value, *ConvertAcl(ByteView::Of(acl)));
}

TEST_F(LogIntentsTest, LaterIntentsBuildOnEarlierOnes) {
  const uint64_t inode = InodeOf("/x-leaf");
  Write(Attri(inode, kAttriSet, 0, "name", "first"));
  Write(Attri(inode, kAttriReplace, 0, "name", "second"));
  Write(Bui(kBmapUnmap, InodeOf("/mixed"), 5, BlockOf("/mixed", 5), 1));
  Write(Xmi("/mixed", 0, "/fragmented", 0, 40, 0));
  const auto filesystem = Open();
  const auto shown = filesystem->ReadXattrs(NodeId{inode}).value();
  const auto found = std::ranges::find(shown, "user.name", &Xattr::name);
  ASSERT_NE(found, shown.end());
  EXPECT_EQ(found->value, "second");
  EXPECT_EQ(Content(*filesystem, InodeOf("/fragmented")).substr(0, 40 * 1024),
            std::string(40 * 1024, '\0'));
}

TEST_F(LogIntentsTest, NamesIntentsThatChangeNothingReadable) {
  Write({BytesOf(IntentLogHeader{le16::Of(kLiEfi), le16::Of(1), {}, le64::Of(++id_)})});
  Write(Attri(InodeOf("/mixed"), kAttriPptrSet, kAttrParent, "mixed", std::string(12, 'p')));
  const auto filesystem = Open();
  EXPECT_FALSE(sink_.HasLoss()) << details_;
  EXPECT_THAT(details_, HasSubstr("1 unfinished extent free intents, which change nothing"));
  EXPECT_THAT(details_, HasSubstr("set parent pointer in name space 0x8) changes nothing that is"));
  EXPECT_TRUE(filesystem->ReadXattrs(NodeId{InodeOf("/mixed")})->empty());
}

TEST_F(LogIntentsTest, RefusesLogsWithFeaturesItDoesNotKnow) {
  const uint64_t inode = InodeOf("/mixed");
  Write(Attri(inode, kAttriSet, 0, "name", "value"));
  const auto set_features = [&](uint32_t features) {
    Dsb dsb = ByteView::Of(image_).Read<Dsb>(0).value();
    dsb.sb_features_log_incompat = be32::Of(features);
    image_.replace(0, sizeof(dsb), BytesOf(dsb));
    const ByteView sector = ByteView::Of(image_).First(superblock_.sector_bytes);
    dsb.sb_crc = le32::Of(ComputeChecksum(sector, offsetof(Dsb, sb_crc)));
    image_.replace(0, sizeof(dsb), BytesOf(dsb));
  };
  set_features(kSbFeatLogIncompatXattrs);
  EXPECT_EQ(Open()->ReadXattrs(NodeId{inode})->size(), 1U);
  EXPECT_FALSE(sink_.HasLoss()) << details_;
  set_features(kSbFeatLogIncompatXattrs | 6);
  const auto filesystem = Open();
  EXPECT_EQ(filesystem->info().log_state, "dirty");
  EXPECT_THAT(details_, HasSubstr("xfs_log_not_replayed: xfs: unsupported XFS log feature 0x6"));
  EXPECT_TRUE(filesystem->ReadXattrs(NodeId{inode})->empty());
}

TEST_F(LogIntentsTest, SaysWhatItCouldNotFinish) {
  Write(Bui(kBmapMap, InodeOf("/mixed"), 5, BlockOf("/mixed", 5), 1));
  Write(Attri(InodeOf("/mixed"), 99, 0, "name", "value"));
  const auto filesystem = Open();
  EXPECT_EQ(filesystem->info().log_state, "replayed");
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsIntentFailed), 2U) << details_;
  EXPECT_THAT(details_, HasSubstr("could not be finished: file block 0x5 is mapped already"));
  EXPECT_THAT(details_, HasSubstr("wants the unknown operation 99"));
  EXPECT_EQ(Content(*filesystem, InodeOf("/mixed")), RawContent("/mixed"));
}

TEST_F(LogIntentsTest, RefusesWhatMakesNoSense) {
  const uint64_t mixed = InodeOf("/mixed");
  const uint64_t block = BlockOf("/mixed", 5);
  const uint64_t all = uint64_t{1} << 54;
  const auto with_generation = [&](uint32_t generation) {
    auto format =
        ByteView::Of(Xmi("/mixed", 0, "/fragmented", 0, 1, 0)[0]).Read<XmiLogFormat>(0).value();
    format.xmi_igen2 = le32::Of(generation);
    return Regions{BytesOf(format)};
  };
  const std::vector<std::pair<Regions, std::string>> cases = {
      {Bui(77, mixed, 20, block, 1), "makes no sense"},
      {Bui(kBmapMap | kBmapExtentRealtime, mixed, 20, block, 1), "makes no sense"},
      {Bui(kBmapMap, mixed, 20, block, 0), "makes no sense"},
      {Bui(kBmapMap, mixed, all - 1, block, 1), "makes no sense"},
      {Bui(kBmapMap, mixed, 20, superblock_.data_blocks * 8, 1), "makes no sense"},
      {Bui(kBmapMap, mixed, 4, block, 4), "mapped already"},
      {Bui(kBmapMap, mixed, 0, block, 4), "mapped already"},
      {Bui(kBmapMap | kBmapExtentAttrFork, InodeOf("/x-short"), 20, block, 1),
       "attribute fork has format 1"},
      {Bui(kBmapMap, InodeOf("/link-5"), 20, block, 1), "data fork has format 1"},
      {Bui(kBmapMap, UINT64_MAX, 20, block, 1), "no inode can have number"},
      {Xmi("/mixed", 0, "/fragmented", 0, 1, 1 << 20), "unknown flags 0x100000"},
      {Xmi("/mixed", all - 4, "/fragmented", 0, 4, 0), "makes no sense"},
      {Xmi("/mixed", 0, "/fragmented", all, 4, 0), "makes no sense"},
      {Xmi("/mixed", 0, "/fragmented", 0, UINT64_MAX, 0), "makes no sense"},
      {Xmi("/mixed", 0, "/mixed", 3, 4, 0), "makes no sense"},
      {Xmi("/x-leaf", 0, "/x-short", 0, 4, kXmiAttrFork), "attribute fork has format 1"},
      {with_generation(StatOf("/fragmented").generation + 1), "freed since"},
      {Attri(mixed, kAttriSet, 0, "", "value"), "makes no sense"},
      {Attri(mixed, kAttriSet, 0, std::string(256, 'n'), "value"), "makes no sense"},
      {Attri(mixed, kAttriSet, 0, "n", std::string(limits::kMaxXattrValueBytes + 1, 'v')),
       "makes no sense"},
      {Attri(mixed, kAttriSet, kAttrRoot | kAttrSecure, "n", "v"), "makes no sense"},
      {Attri(mixed, kAttriSet, kAttrParent, "n", "v"), "makes no sense"},
      {Attri(mixed, kAttriSet, 0x10, "n", "v"), "makes no sense"},
      {{Attri(mixed, kAttriSet, 0, "n", "v")[0]}, "makes no sense"},
      {{Attri(mixed, kAttriSet, 0, "long name", "v")[0], "short"}, "makes no sense"},
      {{Attri(mixed, kAttriSet, 0, "n", "long value")[0], "n", "short"}, "outside a structure"},
      {{BytesOf(IntentLogHeader{le16::Of(kLiEfi), le16::Of(1), {}, {}})}, "unknown type"},
      {{}, "no description"},
  };
  for (const auto& [item, message] : cases) {
    const auto outcome = Finish(item);
    ASSERT_FALSE(outcome.has_value()) << *outcome;
    EXPECT_THAT(outcome.error().message, HasSubstr(message));
  }
}

TEST_F(LogIntentsTest, DescriptionsMayBeDamagedAnywhere) {
  for (const Regions& item :
       {Bui(kBmapMap, InodeOf("/fragmented"), 1, BlockOf("/fragmented", 0), 1),
        Xmi("/mixed", 0, "/fragmented", 0, 40, kXmiSetSizes),
        Attri(InodeOf("/x-leaf"), kAttriSet, 0, "name", "value")}) {
    ASSERT_TRUE(Finish(item).has_value());
    for (size_t size = 0; size < item[0].size(); ++size) {
      Regions cut = item;
      cut[0].resize(size);
      EXPECT_FALSE(Finish(cut).has_value()) << size;
    }
    for (size_t at = 0; at < item[0].size(); ++at) {
      for (const char mask : {'\x01', '\x40', '\xff'}) {
        Regions damaged = item;
        damaged[0][at] = static_cast<char>(damaged[0][at] ^ mask);
        const auto outcome = Finish(damaged);
        if (!outcome) {
          EXPECT_FALSE(outcome.error().message.empty());
        }
      }
    }
  }
}

TEST_F(LogIntentsTest, OnlySoManyExtentsAreRead) {
  const uint64_t inode = InodeOf("/fragmented");
  const Context context{raw_image_, superblock_, ignored_};
  const auto extents = ReadExtents(context, *InodeReader(context).Read(inode), Fork::kData).value();
  // One more than there are, and two for what is mapped or cut.
  const size_t enough = extents.size() + 3;
  static_assert(limits::kMaxLogIntentExtents > 1000);
  const auto item = Bui(kBmapMap, inode, 1, BlockOf("/fragmented", 0), 1);
  EXPECT_TRUE(Finish(item, enough).has_value());
  for (size_t most = 0; most < enough; ++most) {
    const auto outcome = Finish(item, most);
    ASSERT_FALSE(outcome.has_value()) << most;
    EXPECT_EQ(outcome.error().code, ErrorCode::kLimit);
    EXPECT_THAT(outcome.error().message, HasSubstr("kMaxLogIntentExtents"));
  }
}

TEST_F(LogIntentsTest, OnlySoMuchIsKeptOfWhatTheySay) {
  LogIntents intents(30000);
  static_assert(limits::kMaxLogIntentBytes > 30000);
  const uint64_t inode = InodeOf("/x-leaf");
  std::string data;
  uint32_t count = 0;
  const auto add = [&](const testing::Operation& operation) {
    data += BytesOf(XlogOpHeader{be32::Of(operation.tid),
                                 be32::Of(static_cast<uint32_t>(operation.bytes.size())),
                                 operation.client,
                                 operation.flags,
                                 {}});
    data += operation.bytes;
    ++count;
  };
  const auto add_item = [&](const Regions& regions) {
    for (const std::string& region : regions) add(testing::Region(7, region));
  };
  add(testing::Start(7));
  add(testing::Header(7));
  add_item(Attri(inode, kAttriSet, 0, "first", std::string(20000, 'a')));
  add_item(Attri(inode, kAttriSet, 0, "second", std::string(20000, 'b')));
  // Once the first is done there is room again.
  add_item({BytesOf(IntentLogHeader{le16::Of(kLiAttrd), le16::Of(1), {}, le64::Of(1)})});
  add_item(Attri(inode, kAttriSet, 0, "third", std::string(20000, 'c')));
  add(testing::Commit(7));
  TransactionAssembler assembler([&](const LogTransaction& transaction) -> Result<void> {
    for (const LogTransaction::Item& item : transaction.items()) {
      EKSHUME_TRY(intents.Add(transaction, item));
    }
    return {};
  });
  LogRecord record;
  record.operation_count = count;
  ASSERT_TRUE(assembler.AddRecord(record, ByteView::Of(data)).has_value());
  EXPECT_EQ(intents.unfinished_count(), 2U);
  const InodeChanges changes = intents.Finish(raw_image_, superblock_, sink_);
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsIntentUnfinished), 1U);
  ASSERT_EQ(sink_.Count(DiagnosticCode::kXfsIntentFailed), 1U);
  EXPECT_THAT(sink_.Sorted()[1].detail, HasSubstr("kMaxLogIntentBytes"));
  ASSERT_EQ(changes.by_inode.size(), 1U);
  const auto& attributes = changes.by_inode.begin()->second.attributes;
  ASSERT_EQ(attributes.size(), 1U);
  EXPECT_EQ(attributes.begin()->first.name, "third");
}

}  // namespace
}  // namespace ekshume::fs::xfs
