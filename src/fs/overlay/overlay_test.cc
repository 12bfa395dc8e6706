// SPDX-License-Identifier: Apache-2.0
#include "fs/overlay/overlay.h"

#include <gmock/gmock.h>

#include "base/limits.h"
#include "fs/overlay/overlay_testing.h"

namespace ekshume::fs::overlay {
namespace {

using testing::ElementsAre;

TEST_F(OverlayTest, UpperNamesHideLowerOnes) {
  MakeLayers(2);
  layers_[0].File("etc/passwd", "new");
  layers_[1].File("etc/passwd", "old");
  layers_[1].File("etc/group", "group");
  Open();
  EXPECT_THAT(Names(), ElementsAre("d etc", "f etc/group", "f etc/passwd"));
  EXPECT_EQ(Content("/etc/passwd"), "new");
  EXPECT_EQ(Content("/etc/group"), "group");
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(OverlayTest, WhiteoutsHideAndAreHidden) {
  MakeLayers(3);
  layers_[0].Whiteout("a");
  layers_[0].Whiteout("nothing-below");
  layers_[1].SetXattr(layers_[1].File("b", ""), "trusted.overlay.whiteout", "");
  layers_[1].Whiteout("d/only-in-one-layer");
  layers_[2].File("a", "a");
  layers_[2].File("b", "b");
  layers_[2].File("c", "c");
  Open();
  EXPECT_THAT(Names(), ElementsAre("f c", "d d"));
}

TEST_F(OverlayTest, OtherDevicesAndFilesWithBytesAreNoWhiteouts) {
  MakeLayers(2);
  const NodeId device = layers_[0].Whiteout("null");
  layers_[0].StatOf(device).device_major = 1;
  layers_[0].StatOf(device).device_minor = 3;
  layers_[0].SetXattr(layers_[0].File("full", "x"), "trusted.overlay.whiteout", "y");
  layers_[0].SetXattr(layers_[0].File("user", ""), "user.overlay.whiteout", "y");
  Open();
  EXPECT_THAT(Names(), ElementsAre("f full", "c null", "f user"));
}

TEST_F(OverlayTest, OnlyOpaqueYesHidesWhatIsBelow) {
  MakeLayers(2);
  for (const std::string value : {"y", "x", "Y", "yes", ""}) {
    const std::string name = "d-" + value;
    layers_[0].SetXattr(layers_[0].Directory(name), "trusted.overlay.opaque", value);
    layers_[1].File(name + "/below", "x");
  }
  Open();
  EXPECT_THAT(Names(), ElementsAre("d d-", "f d-/below", "d d-Y", "f d-Y/below", "d d-x",
                                   "f d-x/below", "d d-y", "d d-yes", "f d-yes/below"));
}

TEST_F(OverlayTest, FileBetweenDirectoriesEndsTheMerge) {
  MakeLayers(3);
  layers_[0].File("d/top", "");
  layers_[1].File("d", "a file");
  layers_[2].File("d/bottom", "");
  Open();
  EXPECT_THAT(Names(), ElementsAre("d d", "f d/top"));
}

TEST_F(OverlayTest, MergedDirectoryHasOneLinkAndTheTopmostAttributes) {
  MakeLayers(2);
  const NodeId upper = layers_[0].Directory("d");
  layers_[0].StatOf(upper).permissions = 0700;
  layers_[0].StatOf(upper).links = 7;
  layers_[1].Directory("d");
  layers_[1].StatOf(layers_[1].Directory("single")).links = 5;
  Open();
  const Stat merged = *overlay_->GetStat(Node("/d"));
  EXPECT_EQ(merged.links, 1U);
  EXPECT_EQ(merged.permissions, 0700);
  EXPECT_EQ(overlay_->GetStat(Node("/single"))->links, 5U);
}

TEST_F(OverlayTest, OwnAttributesAreHiddenAndNestedOnesUnescapedOnce) {
  MakeLayers(2);
  const NodeId node = layers_[0].Directory("d");
  layers_[0].SetXattr(node, "trusted.overlay.origin", "o");
  layers_[0].SetXattr(node, "trusted.overlay.overlay.opaque", "y");
  layers_[0].SetXattr(node, "trusted.overlay.overlay.overlay.opaque", "z");
  layers_[0].SetXattr(node, "user.overlay.opaque", "y");
  layers_[0].SetXattr(node, "security.capability", "c");
  layers_[1].File("d/below", "");
  Open();
  const auto xattrs = *overlay_->ReadXattrs(Node("/d"));
  std::vector<std::string> found;
  found.reserve(xattrs.size());
  for (const Xattr& xattr : xattrs) {
    found.push_back(xattr.name + "=" + xattr.value);
  }
  EXPECT_THAT(found, ElementsAre("security.capability=c", "trusted.overlay.opaque=y",
                                 "trusted.overlay.overlay.opaque=z", "user.overlay.opaque=y"));
  // Neither the escaped mark nor that of the other prefix hides anything.
  EXPECT_EQ(Content("/d/below"), "");
}

TEST_F(OverlayTest, UserPrefixReplacesTheTrustedOne) {
  MakeLayers(2);
  layers_[0].SetXattr(layers_[0].Directory("u"), "user.overlay.opaque", "y");
  layers_[0].SetXattr(layers_[0].Directory("t"), "trusted.overlay.opaque", "y");
  layers_[1].File("u/below", "");
  layers_[1].File("t/below", "");
  Open(true);
  EXPECT_THAT(Names(), ElementsAre("d t", "f t/below", "d u"));
}

TEST_F(OverlayTest, RedirectsLeadToTheOldPlace) {
  MakeLayers(3);
  layers_[0].SetXattr(layers_[0].Directory("far/new"), "trusted.overlay.redirect", "/var/old");
  layers_[0].SetXattr(layers_[0].Directory("near"), "trusted.overlay.redirect", "before");
  layers_[0].Whiteout("before");
  layers_[1].SetXattr(layers_[1].Directory("var/old"), "trusted.overlay.redirect", "older");
  layers_[1].File("before/one", "1");
  layers_[2].File("var/older/deep", "deep");
  layers_[2].File("var/old/hidden-by-redirect", "");
  layers_[2].File("before/two", "2");
  Open();
  EXPECT_THAT(Names(), ElementsAre("d far", "d far/new", "f far/new/deep", "d near", "f near/one",
                                   "f near/two", "d var", "d var/old", "f var/old/deep",
                                   "d var/older", "f var/older/deep"));
  const auto origins = *overlay_->Origins(Node("/far/new"));
  ASSERT_EQ(origins.size(), 3U);
  EXPECT_EQ(origins[0].path, "far/new");
  EXPECT_EQ(origins[1].path, "var/old");
  EXPECT_EQ(origins[2].path, "var/older");
  EXPECT_EQ(overlay_->Origins(Node("/far/new/deep"))->front().path, "var/older/deep");
  EXPECT_EQ(overlay_->Origins(Node("/near/two"))->front().path, "before/two");
  EXPECT_EQ(*overlay_->PathOf(Node("/near/two")), "near/two");
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(OverlayTest, BrokenRedirectsAreReportedAndShowTheUpperPart) {
  MakeLayers(2);
  const std::vector<std::string> broken = {"/gone",
                                           "..",
                                           "../etc",
                                           "/a//b",
                                           "/",
                                           "",
                                           ".",
                                           "/x/",
                                           "/../up",
                                           "a/b",
                                           std::string("n\0l", 3)};
  for (size_t i = 0; i < broken.size(); ++i) {
    const std::string name = "d" + std::to_string(i);
    layers_[0].SetXattr(layers_[0].Directory(name), "trusted.overlay.redirect", broken[i]);
    layers_[0].File(name + "/own", "");
    layers_[1].File(name + "/below", "");
  }
  layers_[1].File("etc/shadow", "secret");
  Open();
  for (const std::string& name : Names()) EXPECT_FALSE(name.contains("below")) << name;
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayRedirectBroken), broken.size());
}

TEST_F(OverlayTest, MetacopyFilesReadTheLowerData) {
  MakeLayers(4);
  const NodeId top = layers_[0].File("moved", "");
  layers_[0].StatOf(top).size_bytes = 4;
  layers_[0].StatOf(top).permissions = 0600;
  layers_[0].SetXattr(top, "trusted.overlay.metacopy", "");
  layers_[0].SetXattr(top, "trusted.overlay.redirect", "/d/file");
  const NodeId middle = layers_[1].File("d/file", "");
  layers_[1].SetXattr(middle, "trusted.overlay.metacopy", "");
  layers_[2].File("d/file", "data");
  const NodeId lost = layers_[0].File("lost", "");
  layers_[0].SetXattr(lost, "trusted.overlay.metacopy", "");
  const NodeId composed = layers_[0].File("composed", "");
  layers_[0].SetXattr(composed, "trusted.overlay.metacopy", "");
  layers_[0].SetXattr(composed, "trusted.overlay.redirect", "/objects/ab");
  layers_[3].File("objects/ab", "stored");
  Open(false, 1);
  EXPECT_EQ(Content("/moved"), "data");
  EXPECT_EQ(overlay_->GetStat(Node("/moved"))->permissions, 0600);
  const auto origins = *overlay_->Origins(Node("/moved"));
  ASSERT_EQ(origins.size(), 2U);
  EXPECT_EQ(origins[1].layer, 2U);
  EXPECT_EQ(origins[1].path, "d/file");
  EXPECT_EQ(Content("/composed"), "stored");
  EXPECT_EQ(overlay_->Origins(Node("/composed"))->back().layer_name, "layer3");
  EXPECT_FALSE(Exists(*overlay_, "/objects", NodeType::kDirectory));
  EXPECT_EQ(overlay_->OpenFile(Node("/lost")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayDataMissing), 1U);
}

TEST_F(OverlayTest, WhiteoutsTellWhatTheyHide) {
  MakeLayers(3);
  layers_[0].Whiteout("d/a");
  layers_[0].Whiteout("d/nothing");
  layers_[1].SetXattr(layers_[1].File("d/b", ""), "trusted.overlay.whiteout", "y");
  layers_[1].Whiteout("d/a");
  layers_[2].File("d/a", "hidden twice");
  layers_[2].Directory("d/b");
  Open();
  const auto whiteouts = *overlay_->ReadWhiteouts(Node("/d"));
  ASSERT_EQ(whiteouts.size(), 3U);
  EXPECT_EQ(whiteouts[0].name, "a");
  EXPECT_FALSE(whiteouts[0].hides.has_value());  // a lower whiteout had deleted it already
  EXPECT_TRUE(whiteouts[1].is_attribute);
  EXPECT_EQ(whiteouts[1].hides->path, "d/b");
  EXPECT_EQ(whiteouts[1].hides->layer, 2U);
  EXPECT_EQ(whiteouts[1].hidden_type, NodeType::kDirectory);
  EXPECT_FALSE(whiteouts[2].hides.has_value());
  EXPECT_THAT(*overlay_->NamesInLayers(Node("/d"), 1), ElementsAre("a", "nothing"));
}

TEST_F(OverlayTest, HardLinksAreOneNode) {
  MakeLayers(2);
  const NodeId file = layers_[1].File("a", "x");
  layers_[1].Link(layers_[1].root(), "b", file);
  Open();
  EXPECT_EQ(Node("/a"), Node("/b"));
}

TEST_F(OverlayTest, MissingAndRepeatedLayersAreReported) {
  MakeLayers(2);
  layers_[0].File("a", "");
  layers_[1].File("b", "");
  OverlayOptions options;
  options.diagnostics = &diagnostics_;
  for (const size_t i : {0, 1, 0}) {
    options.layers.push_back({&layers_[i], layers_[i].root(), "layer" + std::to_string(i)});
  }
  options.layers.push_back({nullptr, NodeId{}, "gone"});
  options.layers.push_back({&layers_[0], layers_[0].File("a", ""), "a file"});
  overlay_ = *OverlayFilesystem::Open(options);
  EXPECT_THAT(Names(), ElementsAre("f a", "f b"));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayLayerLoop), 1U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayLayerMissing), 2U);
  options.layers.erase(options.layers.begin(), options.layers.begin() + 3);
  EXPECT_EQ(OverlayFilesystem::Open(options).error().code, ErrorCode::kNotFound);
}

TEST_F(OverlayTest, LongChainIsCut) {
  MakeLayers(limits::kMaxLayers * 2);
  for (size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].File("d/" + std::to_string(i), "");
  }
  Open();
  EXPECT_EQ(Names().size(), static_cast<size_t>(limits::kMaxLayers) + 1);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayLayerLoop), 1U);
}

TEST_F(OverlayTest, WholeLayerHidesAllBelow) {
  MakeLayers(2);
  layers_[0].File("a", "");
  layers_[1].File("b", "");
  OverlayOptions options;
  options.diagnostics = &diagnostics_;
  options.layers = {{&layers_[0], layers_[0].root(), "copy", true},
                    {&layers_[1], layers_[1].root(), "below"}};
  overlay_ = *OverlayFilesystem::Open(options);
  EXPECT_THAT(Names(), ElementsAre("f a"));
}

TEST_F(OverlayTest, NamesAreBounded) {
  static_assert(OverlayOptions().most_nodes == limits::kMaxOverlayNodes);
  MakeLayers(2);
  for (const std::string name : {"a", "b", "c"}) layers_[1].File("d/" + name, "");
  layers_[0].Directory("d");
  // The root of two parts, the directory of two parts, two of three files.
  OpenWith({.most_nodes = 6});
  const auto read = overlay_->ReadDirectory(Node("/d"), [](DirectoryEntry&&) { return true; });
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kLimit);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kFilesystemLimit);
  EXPECT_TRUE(reported[0].detail.contains("kMaxOverlayNodes")) << reported[0].detail;
  OpenWith({.most_nodes = 7});
  EXPECT_EQ(Names().size(), 4U);
}

TEST_F(OverlayTest, LongRedirectsAreBroken) {
  MakeLayers(3);
  const std::string long_name(limits::kMaxSymlinkTargetBytes, 'x');
  layers_[0].SetXattr(layers_[0].Directory("at-once"), "trusted.overlay.redirect", "/" + long_name);
  layers_[0].File("at-once/own", "");
  // Each is short enough; one after the other they are not.
  const std::string half = "/" + long_name.substr(long_name.size() / 2 + 1);
  layers_[0].SetXattr(layers_[0].Directory("in-steps"), "trusted.overlay.redirect", half + half);
  layers_[0].File("in-steps/own", "");
  layers_[1].SetXattr(layers_[1].Directory(half), "trusted.overlay.redirect", half + half);
  layers_[1].Directory(half + half);
  Open();
  EXPECT_THAT(Names(), testing::IsSupersetOf({"f at-once/own", "f in-steps/own"}));
  const auto reported = diagnostics_.Sorted();
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayRedirectBroken), reported.size());
  EXPECT_TRUE(std::ranges::any_of(reported, [](const Diagnostic& each) {
    return each.evidence == "/at-once" && each.detail.ends_with("is not valid");
  }));
  EXPECT_TRUE(std::ranges::any_of(reported, [](const Diagnostic& each) {
    return each.evidence == "/in-steps" && each.detail.starts_with("kMaxSymlinkTargetBytes");
  }));
}

TEST_F(OverlayTest, RedirectsCostOnlySoMuch) {
  static_assert(OverlayOptions().most_redirect_lookups == limits::kMaxRedirectLookups);
  MakeLayers(3);
  layers_[0].SetXattr(layers_[0].Directory("new"), "trusted.overlay.redirect", "/a/b/c/d");
  layers_[1].File("a/b/c/d/below", "");
  OpenWith({.most_redirect_lookups = 3});
  EXPECT_THAT(Names(), testing::Not(testing::Contains("f new/below")));
  ASSERT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayRedirectBroken), 1U);
  EXPECT_TRUE(diagnostics_.Sorted()[0].detail.contains("kMaxRedirectLookups"));
  OpenWith({.most_redirect_lookups = 4});
  EXPECT_THAT(Names(), testing::Contains("f new/below"));
}

TEST_F(OverlayTest, RedirectsIntoDataOnlyLayersCostOnlySoMuch) {
  MakeLayers(3);
  const NodeId composed = layers_[0].File("composed", "");
  layers_[0].SetXattr(composed, "trusted.overlay.metacopy", "");
  layers_[0].SetXattr(composed, "trusted.overlay.redirect", "/e/f/g/h");
  layers_[2].File("e/f/g/h", "stored");
  // One step in the layer that does not have it, four in the one that has.
  OpenWith({.most_redirect_lookups = 4}, false, 1);
  EXPECT_EQ(overlay_->OpenFile(Node("/composed")).error().code, ErrorCode::kCorrupt);
  ASSERT_EQ(diagnostics_.Count(DiagnosticCode::kOverlayDataMissing), 1U);
  EXPECT_TRUE(diagnostics_.Sorted()[0].detail.contains("kMaxRedirectLookups"));
  OpenWith({.most_redirect_lookups = 5}, false, 1);
  EXPECT_EQ(Content("/composed"), "stored");
}

TEST_F(OverlayTest, DirectoriesThatContainThemselvesEnd) {
  MakeLayers(3);
  for (MemoryFilesystem& layer : layers_) {
    const NodeId a = layer.Directory("a");
    layer.Link(a, "a", a);
    layer.Link(a, "up", layer.root());
    layer.SetXattr(a, "trusted.overlay.redirect", "/a/a/up/a/up");
  }
  Open();
  EXPECT_FALSE(Names().empty());
  EXPECT_GE(diagnostics_.Count(DiagnosticCode::kFilesystemLoop), 1U);
}

TEST_F(OverlayTest, NodesOfNoSuchNumberAreRefused) {
  MakeLayers(1);
  layers_[0].File("a", "");
  Open();
  EXPECT_EQ(overlay_->GetStat(NodeId{999}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(overlay_->OpenFile(overlay_->root()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(overlay_->ReadDirectory(Node("/a"), [](DirectoryEntry&&) { return true; }).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace ekshume::fs::overlay
