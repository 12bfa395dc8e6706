// SPDX-License-Identifier: Apache-2.0
#include "casefile/changes.h"

#include <gmock/gmock.h>

#include "fs/overlay/overlay_testing.h"

namespace ekshume::casefile {
namespace {

using testing::ElementsAre;

class ChangesTest : public fs::overlay::OverlayTest {
 protected:
  // Path and why it is notable, of what FindChanges lists.
  std::vector<std::string> Lines(const Changes& changes) {
    std::vector<std::string> lines;
    for (const ContainerChange& change : changes.entries) {
      lines.push_back(change.entry.path + (change.notable.empty() ? "" : ": ") + change.notable);
    }
    return lines;
  }

  Changes Find(size_t most_ordinary) {
    FileView view;
    view.overlay = overlay_.get();
    view.own_layer_count = 1;
    auto changes = FindChanges({}, view, diagnostics_, nullptr, most_ordinary);
    EXPECT_TRUE(changes.has_value());
    return changes ? *std::move(changes) : Changes();
  }
};

TEST_F(ChangesTest, KeepsTheFirstOrdinaryOnesAndAllThatAreNotable) {
  MakeLayers(2);
  for (const char* name : {"d", "b", "f", "a"}) layers_[0].File(name, "text");
  layers_[0].File("c", "#!/bin/sh\n");
  layers_[0].File("z",
                  "\x7f"
                  "ELF");
  // What was deleted is found last.
  layers_[0].Whiteout("aa");
  layers_[1].File("aa", "text");
  Open();
  const Changes few = Find(3);
  EXPECT_THAT(Lines(few), ElementsAre("a", "aa", "b", "c: new script", "z: new program"));
  EXPECT_EQ(few.added, 6);
  EXPECT_EQ(few.deleted, 1);
  EXPECT_THAT(Lines(Find(100)),
              ElementsAre("a", "aa", "b", "c: new script", "d", "f", "z: new program"));
  EXPECT_THAT(Lines(Find(0)), ElementsAre("c: new script", "z: new program"));
}

}  // namespace
}  // namespace ekshume::casefile
