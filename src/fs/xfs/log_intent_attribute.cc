// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <bit>

#include "base/limits.h"
#include "fs/xfs/da_format.h"
#include "fs/xfs/log_intent_finish.h"

namespace ekshume::fs::xfs {
namespace {

constexpr uint32_t kMaxNameBytes = 255;
constexpr uint32_t kNameSpaces = kAttrRoot | kAttrSecure | kAttrParent;

std::string_view VerbOf(uint32_t operation) {
  switch (operation) {
    case kAttriSet: return "set";
    case kAttriRemove: return "remove";
    case kAttriReplace: return "replace";
    case kAttriPptrSet: return "set parent pointer";
    case kAttriPptrRemove: return "remove parent pointer";
    case kAttriPptrReplace: return "replace parent pointer";
    default: return "";
  }
}

}  // namespace

// Whatever state the interruption left the attribute in, recovery takes every entry of its name
// out, those marked incomplete too, and then adds the new value, if there is one.
Result<std::string> IntentFinisher::FinishAttribute(std::span<const ByteView> regions) {
  const auto format = EKSHUME_TRY(regions[0].Read<AttriLogFormat>(0));
  const uint32_t operation = format.alfi_op_flags.value();
  const uint32_t filter = format.alfi_attr_filter.value();
  const uint32_t name_bytes = format.alfi_name_len.value();
  const uint32_t value_bytes = format.alfi_value_len.value();
  const std::string_view verb = VerbOf(operation);
  const std::string what = fmt::format("of inode {} ({} in name space {:#x})",
                                       format.alfi_ino.value(), verb, filter & kNameSpaces);
  if (verb.empty()) {
    return Fail(ErrorCode::kUnsupported, fmt::format("of inode {} wants the unknown operation {}",
                                                     format.alfi_ino.value(), operation));
  }
  const Inode inode = EKSHUME_TRY(inodes_.Read(format.alfi_ino.value()));
  if (operation >= kAttriPptrSet) {
    // Listings leave parent pointers out; the name itself lies in the directory.
    return what + " changes nothing that is listed";
  }
  const bool has_value = operation != kAttriRemove;
  if (name_bytes == 0 || name_bytes > kMaxNameBytes || value_bytes > limits::kMaxXattrValueBytes ||
      (filter & ~(kNameSpaces | kAttrIncomplete)) != 0 || std::popcount(filter & kNameSpaces) > 1 ||
      (filter & kAttrParent) != 0 || regions.size() < 2 || regions[1].size() < name_bytes) {
    return Fail(ErrorCode::kCorrupt, what + " makes no sense");
  }
  AttributeName name{static_cast<uint8_t>(filter & (kAttrRoot | kAttrSecure)),
                     std::string(regions[1].First(name_bytes).AsText())};
  std::optional<std::string> value;
  if (has_value) {
    const ByteView region = regions.size() > 2 ? regions[2] : ByteView();
    value = EKSHUME_TRY(region.Sub(0, value_bytes)).AsText();
  }
  changes_.by_inode[inode.number].attributes.insert_or_assign(std::move(name), std::move(value));
  return what + " was finished";
}

}  // namespace ekshume::fs::xfs
