// SPDX-License-Identifier: Apache-2.0
#include "casefile/annotations.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/clock.h"
#include "base/text.h"
#include "casefile/atomic_file.h"
#include "casefile/custody.h"

namespace ekshume::casefile {
namespace {

constexpr size_t kMostTargets = 1000;
constexpr size_t kMostTargetBytes = 8192;
constexpr size_t kMostTagBytes = 60;
constexpr size_t kMostCommentBytes = 16384;
constexpr size_t kMostNotesBytes = 262144;
constexpr std::array<std::string_view, 8> kColours = {"",      "red",  "orange", "yellow",
                                                      "green", "teal", "blue",   "grape"};
constexpr std::array<std::string_view, 3> kFindingStates = {"open", "accepted", "dismissed"};

Error Wrong(std::string message) { return Fail(ErrorCode::kInvalidArgument, std::move(message)); }

std::string TextOf(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool IsText(const Json& value, size_t most) {
  return value.is_string() && value.get_ref<const std::string&>().size() <= most;
}

bool IsTag(const Json& value) {
  if (!IsText(value, kMostTagBytes)) return false;
  const std::string& tag = value.get_ref<const std::string&>();
  return !tag.empty() && std::ranges::none_of(tag, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == ',' || c == '"';
  });
}

// What each kind of change takes.
Result<void> Check(const Annotations::Change& change) {
  const Json& value = change.value;
  const auto targets_begin_with = [&](std::initializer_list<std::string_view> prefixes) {
    return std::ranges::all_of(change.targets, [&](const std::string& target) {
      return std::ranges::any_of(prefixes, [&](std::string_view prefix) {
        return target.starts_with(prefix) && target.size() > prefix.size();
      });
    });
  };
  if (change.targets.empty() || change.targets.size() > kMostTargets) {
    return Wrong(fmt::format("a change has 1 to {} targets", kMostTargets));
  }
  for (const std::string& target : change.targets) {
    if (target.size() > kMostTargetBytes || !IsUtf8(target)) return Wrong("a target is too long");
  }
  if (change.kind == "search") {
    if (change.targets.size() != 1 || !targets_begin_with({"search:"})) {
      return Wrong("a saved search has one target, search:NAME");
    }
    const bool ok = value.is_null() || (value.is_object() &&
                                        IsText(value.value("query", Json("")), kMostCommentBytes));
    return ok ? Result<void>() : Wrong("a saved search is an object with a query, or null");
  }
  if (change.kind == "notes") {
    if (change.targets != std::vector<std::string>{"report"}) {
      return Wrong("notes have one target, report");
    }
    return IsText(value, kMostNotesBytes) ? Result<void>()
                                          : Wrong("notes are a text, 256 KiB at most");
  }
  if (change.kind == "finding") {
    if (!targets_begin_with({"finding:"})) return Wrong("only findings are accepted or dismissed");
    const std::string state = TextOf(value, "state");
    if (std::ranges::find(kFindingStates, state) == kFindingStates.end()) {
      return Wrong("the state of a finding is open, accepted or dismissed");
    }
    if (state == "dismissed" && TextOf(value, "reason").empty()) {
      return Wrong("a finding is dismissed with a reason");
    }
    return {};
  }
  if (!targets_begin_with({"event:", "finding:", "file:"})) {
    return Wrong("stars, tags, colours and comments go to event:ID, finding:ID or file:PLACE:PATH");
  }
  if (change.kind == "star")
    return value.is_boolean() ? Result<void>() : Wrong("a star is true or false");
  if (change.kind == "tag" || change.kind == "untag") {
    return IsTag(value) ? Result<void>() : Wrong("a tag is a word of at most 60 bytes");
  }
  if (change.kind == "colour") {
    const bool known = value.is_string() &&
                       std::ranges::find(kColours, value.get<std::string>()) != kColours.end();
    return known ? Result<void>() : Wrong("there is no such colour");
  }
  if (change.kind == "comment") {
    const bool ok =
        IsText(value, kMostCommentBytes) && !value.get_ref<const std::string&>().empty();
    return ok ? Result<void>() : Wrong("a comment is a text, 16 KiB at most");
  }
  return Wrong(fmt::format("there is no change of the kind {}", change.kind));
}

Result<void> Append(const std::string& path, const std::string& line) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  Result<void> written = WriteAll(descriptor, ByteView::Of(line), path);
  if (written && fsync(descriptor) != 0) {
    written = Fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  }
  close(descriptor);
  return written;
}

}  // namespace

Result<std::unique_ptr<Annotations>> Annotations::Open(Case& opened) {
  std::unique_ptr<Annotations> annotations(new Annotations(opened));
  const std::string path = opened.directory() + "/annotations.jsonl";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return annotations;
  const std::string text = EKSHUME_TRY(ReadOwnFile(path));
  const std::lock_guard lock(annotations->mutex_);
  size_t number = 0;
  for (const std::string_view line : SplitNonEmpty(text, '\n')) {
    ++number;
    const Json change = Json::parse(line, nullptr, false);
    if (!change.is_object() || !change.contains("targets") || !change["targets"].is_array()) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{}: line {} is no annotation", path, number));
    }
    annotations->Take(change);
  }
  return annotations;
}

Result<Json> Annotations::Apply(const Change& change) {
  EKSHUME_TRY(Check(change));
  const std::lock_guard lock(mutex_);
  const Json kept = {{"sequence", revision_ + 1}, {"time", FormatTimestamp(Now())},
                     {"analyst", change.analyst}, {"kind", change.kind},
                     {"targets", change.targets}, {"value", change.value}};
  // The ledger first: a change that it does not know of must not be there.
  CustodyEntry entry;
  entry.action = "annotate";
  EKSHUME_TRY(RecordCustody(
      case_, entry,
      {change.analyst,
       {{"kind", change.kind}, {"targets", change.targets}, {"value", change.value}}}));
  EKSHUME_TRY(Append(case_.directory() + "/annotations.jsonl", Dump(kept) + "\n"));
  Take(kept);
  return kept;
}

void Annotations::Take(const Json& change) {
  ++revision_;
  const std::string kind = TextOf(change, "kind");
  const Json value = change.value("value", Json());
  for (const Json& item : change["targets"]) {
    if (!item.is_string()) continue;
    const std::string target = item.get<std::string>();
    if (kind == "notes") {
      if (value.is_string()) notes_ = value.get<std::string>();
      continue;
    }
    if (kind == "search") {
      if (value.is_object()) {
        searches_[target] = value;
      } else {
        searches_.erase(target);
      }
      continue;
    }
    Json& state = targets_[target];
    if (state.is_null()) {
      state = {
          {"star", false}, {"colour", ""}, {"tags", Json::array()}, {"comments", Json::array()}};
    }
    if (kind == "star" && value.is_boolean()) state["star"] = value;
    if (kind == "colour" && value.is_string()) state["colour"] = value;
    if (kind == "finding" && value.is_object()) {
      state["state"] = TextOf(value, "state");
      state["reason"] = TextOf(value, "reason");
      state["by"] = TextOf(change, "analyst");
    }
    if (kind == "comment" && value.is_string()) {
      state["comments"].push_back({{"time", TextOf(change, "time")},
                                   {"analyst", TextOf(change, "analyst")},
                                   {"text", value}});
    }
    if (kind == "tag" || kind == "untag") {
      Json tags = Json::array();
      for (const Json& tag : state["tags"]) {
        if (tag != value) tags.push_back(tag);
      }
      if (kind == "tag") tags.push_back(value);
      state["tags"] = std::move(tags);
    }
  }
}

Json Annotations::State() const {
  const std::lock_guard lock(mutex_);
  Json targets = Json::object();
  for (const auto& [target, state] : targets_) targets[target] = state;
  Json searches = Json::array();
  for (const auto& [target, search] : searches_) {
    Json one = {{"name", target.substr(target.find(':') + 1)}};
    one.update(search);
    searches.push_back(std::move(one));
  }
  return {{"revision", revision_}, {"targets", targets}, {"searches", searches}, {"notes", notes_}};
}

template <typename Wanted>
std::vector<std::string> Annotations::EventsWith(Wanted wanted) const {
  constexpr std::string_view kEvent = "event:";
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [target, state] : targets_) {
    if (target.starts_with(kEvent) && wanted(state)) ids.push_back(target.substr(kEvent.size()));
  }
  return ids;
}

std::vector<std::string> Annotations::StarredEvents() const {
  return EventsWith([](const Json& state) { return state["star"] == true; });
}

std::vector<std::string> Annotations::TaggedEvents(const std::string& tag) const {
  return EventsWith([&](const Json& state) {
    return std::ranges::any_of(state["tags"], [&](const Json& one) { return one == tag; });
  });
}

std::vector<std::string> Annotations::MarkedEvents() const {
  return EventsWith([](const Json& state) {
    return state["star"] == true || !state["tags"].empty() || !state["comments"].empty() ||
           state["colour"] != "";
  });
}

}  // namespace ekshume::casefile
