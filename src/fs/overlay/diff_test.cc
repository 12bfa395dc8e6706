// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/diff.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "fs/overlay/compare.h"
#include "fs/overlay/diff_style.h"
#include "fs/overlay/overlay_testing.h"

namespace ekshume::fs::overlay {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DiffTest : public OverlayTest {
 protected:
  // "added etc/x", "metadata a mode,time 1:a": change, path, what differs, where it was.
  std::vector<std::string> Lines(size_t boundary = 1) {
    Open();
    entries_ = DiffLayers(*overlay_, boundary, diagnostics_).value_or(std::vector<DiffEntry>());
    std::vector<std::string> lines;
    for (const DiffEntry& entry : entries_) {
      std::string line = fmt::format("{} {}", ChangeName(entry.change), entry.path);
      if (!entry.differs.empty()) line += " " + fmt::format("{}", fmt::join(entry.differs, ","));
      if (entry.from) line += fmt::format(" {}:{}", entry.from->layer, entry.from->path);
      if (entry.replaced) line += " replaced";
      if (entry.with_parent) line += " with_parent";
      if (!entry.renamed_from.empty()) line += " from " + entry.renamed_from;
      if (!entry.renamed_to.empty()) line += " to " + entry.renamed_to;
      lines.push_back(std::move(line));
    }
    return lines;
  }
  std::vector<DiffEntry> entries_;
};

TEST_F(DiffTest, TellsTheFourKindsOfChangeApart) {
  MakeLayers(3);
  layers_[0].File("etc/new", "x");
  layers_[0].File("etc/changed", "two");
  layers_[1].File("etc/changed", "one");
  const NodeId mode = layers_[0].File("etc/mode", "same");
  layers_[0].StatOf(mode).permissions = 04755;
  layers_[2].File("etc/mode", "same");
  layers_[0].File("etc/opened", "same");
  layers_[1].File("etc/opened", "same");
  layers_[0].Whiteout("etc/gone");
  layers_[2].File("etc/gone", "#!/bin/sh\n");
  layers_[0].Whiteout("etc/never-was");
  layers_[1].File("untouched", "");
  EXPECT_THAT(Lines(), ElementsAre("modified etc/changed content 1:etc/changed",
                                   "deleted etc/gone 2:etc/gone",
                                   "metadata etc/mode mode 2:etc/mode", "added etc/new"));
  EXPECT_EQ(entries_[1].kind, ContentKind::kScript);
  EXPECT_TRUE(entries_[2].setuid);
  EXPECT_TRUE(entries_[2].executable);
  EXPECT_EQ(entries_[2].previous->permissions, 0644);
  EXPECT_EQ(entries_[3].origin->layer_name, "layer0");
}

TEST_F(DiffTest, DirectoriesAreFoldedUnlessTheyChanged) {
  MakeLayers(2);
  layers_[0].File("a/b/new", "");
  layers_[1].Directory("a/b");
  layers_[0].StatOf(layers_[0].Directory("mode")).permissions = 01777;
  layers_[0].StatOf(layers_[0].Directory("a")).modified = {5, 0};
  layers_[1].Directory("mode");
  EXPECT_THAT(Lines(), ElementsAre("added a/b/new", "metadata mode mode 1:mode"));
}

TEST_F(DiffTest, OpaqueDirectoryIsReplacedAndItsLowerChildrenAreDeleted) {
  MakeLayers(2);
  layers_[0].SetXattr(layers_[0].Directory("d"), "trusted.overlay.opaque", "y");
  layers_[0].StatOf(layers_[0].File("d/kept", "new")).modified = {9, 0};
  layers_[1].File("d/kept", "old");
  layers_[1].File("d/sub/file", "x");
  EXPECT_THAT(Lines(),
              ElementsAre("modified d 1:d replaced", "modified d/kept content,time 1:d/kept",
                          "deleted d/sub 1:d/sub", "deleted d/sub/file 1:d/sub/file with_parent"));
  EXPECT_THAT(*DockerDiff(*overlay_, 1, diagnostics_),
              ElementsAre("C /d", "C /d/kept", "D /d/sub"));
  EXPECT_THAT(*ContainerdDiff(*overlay_, 1, diagnostics_),
              ElementsAre("d/", "d/kept", "d/.wh.sub"));
}

TEST_F(DiffTest, TypesThatChange) {
  MakeLayers(2);
  layers_[0].Make("d", NodeType::kSymlink, "elsewhere");
  layers_[1].File("d/child", "x");
  layers_[0].File("f/child", "x");
  layers_[1].File("f", "was a file");
  EXPECT_THAT(Lines(),
              ElementsAre("modified d mode,type 1:d", "deleted d/child 1:d/child with_parent",
                          "modified f mode,type 1:f", "added f/child"));
  EXPECT_EQ(entries_[0].target, "elsewhere");
  EXPECT_THAT(*DockerDiff(*overlay_, 1, diagnostics_), ElementsAre("C /d", "C /f", "A /f/child"));
}

TEST_F(DiffTest, RenamedDirectoryIsOneEntryAtBothNames) {
  MakeLayers(2);
  layers_[0].SetXattr(layers_[0].Directory("new"), "trusted.overlay.redirect", "/old");
  layers_[0].Whiteout("old");
  layers_[0].File("new/added", "");
  layers_[0].Whiteout("new/removed");
  layers_[1].File("old/kept", "");
  layers_[1].File("old/removed", "");
  EXPECT_THAT(Lines(),
              ElementsAre("added new 1:old from old", "added new/added",
                          "deleted new/removed 1:old/removed", "deleted old 1:old to new"));
  EXPECT_THAT(*DockerDiff(*overlay_, 1, diagnostics_),
              ElementsAre("A /new", "A /new/added", "A /new/kept", "D /old"));
}

TEST_F(DiffTest, MetacopyIsAMetadataChange) {
  MakeLayers(2);
  const NodeId file = layers_[0].File("f", "");
  layers_[0].SetXattr(file, "trusted.overlay.metacopy", "");
  layers_[0].StatOf(file).size_bytes = 4;
  layers_[0].StatOf(file).uid = 7;
  layers_[1].File("f", "data");
  EXPECT_THAT(Lines(), ElementsAre("metadata f owner 1:f"));
}

TEST_F(DiffTest, SeveralLayersOfTheContainerCountTogether) {
  MakeLayers(3);
  layers_[0].Whiteout("made-and-deleted");
  layers_[1].File("made-and-deleted", "");
  layers_[1].File("init", "");
  layers_[2].File("image", "");
  EXPECT_THAT(Lines(2), ElementsAre("added init"));
}

TEST_F(DiffTest, EverythingIsNewWithoutLowerLayers) {
  MakeLayers(1);
  layers_[0].File("a/b", "");
  EXPECT_THAT(Lines(), ElementsAre("added a", "added a/b"));
}

TEST_F(DiffTest, DockerAllowsForCutTimes) {
  MakeLayers(2);
  layers_[0].StatOf(layers_[0].File("cut", "x")).modified = {10, 0};
  layers_[1].StatOf(layers_[1].File("cut", "x")).modified = {10, 5};
  layers_[0].StatOf(layers_[0].File("later", "x")).modified = {11, 0};
  layers_[1].StatOf(layers_[1].File("later", "x")).modified = {10, 5};
  Open();
  EXPECT_THAT(*DockerDiff(*overlay_, 1, diagnostics_), ElementsAre("C /later"));
  EXPECT_THAT(*ContainerdDiff(*overlay_, 1, diagnostics_), ElementsAre("cut", "later"));
}

TEST_F(DiffTest, LoopsInTheUpperLayerEnd) {
  MakeLayers(2);
  const NodeId loop = layers_[0].Directory("loop");
  layers_[0].Link(loop, "again", loop);
  layers_[0].Link(loop, "root", layers_[0].root());
  layers_[1].File("loop/again/x", "");
  EXPECT_FALSE(Lines().empty());
  EXPECT_GE(diagnostics_.Count(DiagnosticCode::kFilesystemLoop), 1U);
}

TEST(ContentKindTest, IsGuessedFromTheFirstBytes) {
  using std::string_literals::operator""s;
  EXPECT_EQ(GuessContentKind(""), ContentKind::kNone);
  EXPECT_EQ(GuessContentKind("\x7f"
                             "ELF\2\1\1"s),
            ContentKind::kElf);
  EXPECT_EQ(GuessContentKind("#!/bin/sh\n"), ContentKind::kScript);
  EXPECT_EQ(GuessContentKind("plain text\n\tmore\r\n"), ContentKind::kText);
  EXPECT_EQ(GuessContentKind("caf\xc3\xa9"), ContentKind::kText);
  EXPECT_EQ(GuessContentKind("caf\xe9 latin"), ContentKind::kData);
  EXPECT_EQ(GuessContentKind("nul\0"s), ContentKind::kData);
  // A character that the cut divides is still text.
  std::string cut(kContentKindBytes - 1, 'a');
  cut += '\xc3';
  EXPECT_EQ(GuessContentKind(cut), ContentKind::kText);
}

TEST(PathLessTest, OrdersParentsBeforeTheirSiblings) {
  EXPECT_TRUE(PathLess("a", "a/b"));
  EXPECT_TRUE(PathLess("a/b", "a.b"));
  EXPECT_FALSE(PathLess("a.b", "a/b"));
  EXPECT_TRUE(PathLess("a", "\xff"));
}

}  // namespace
}  // namespace ekshume::fs::overlay
