// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "image/image.h"

namespace ekshume::fs {

// What a device holds when no registered format fits, by its magic bytes: "a LUKS encrypted
// volume", "a swap area", "all zeros". Empty when nothing is recognised. For messages only.
std::string_view IdentifyOther(const image::Image& device);

}  // namespace ekshume::fs
