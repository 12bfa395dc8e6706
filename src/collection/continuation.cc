// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "collection/left_out.h"
#include "collection/reader.h"

namespace ekshume::collection {
namespace {

// left_out.sha256 of a part's collection.json; "" when it does not say.
std::string StatedLeftOut(const std::string& text) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return "";
  const auto left_out = object.find("left_out");
  if (left_out == object.end() || !left_out->is_object()) return "";
  const auto digest = left_out->find("sha256");
  return digest != left_out->end() && digest->is_string() ? digest->get<std::string>() : "";
}

}  // namespace

bool Reader::LastCompletesTheOthers() const {
  const size_t last = parts_.size() - 1;
  if (last == 0 || !IsComplete(last)) return false;
  const FrameIndex& part = *parts_[last];
  if ((part.trailer()->start.flags.value() & kTrailerEndedEarly) != 0) return false;
  for (size_t i = 1; i <= last; ++i) {
    if (parts_[i]->opening().part.value() != parts_[i - 1]->opening().part.value() + 1 ||
        parts_[i]->opening().continues_id != parts_[0]->opening().stream_id) {
      return false;
    }
  }
  for (size_t i = part_begins_[last]; i < part_begins_[last + 1]; ++i) {
    if (members_[i].path() != "collection.json" || members_[i].partial) continue;
    const auto text = ReadAll(members_[i], limits::kMaxSmallFileBytes);
    return text && StatedLeftOut(*text) == LeftOutDigest(ReceivedBefore(part_begins_[last]));
  }
  return false;
}

std::vector<std::string> Reader::ReceivedBefore(size_t member_count) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < member_count; ++i) {
    const Member& member = members_[i];
    if (!member.partial && IsContent(member.path())) names.push_back(member.path());
  }
  return names;
}

}  // namespace ekshume::collection
