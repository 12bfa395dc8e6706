// SPDX-License-Identifier: Apache-2.0
#include "log/kubernetes_kind.h"

namespace ekshume::log {

std::string ResourceOf(std::string_view kind) {
  std::string name;
  for (const char c : kind) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (name.empty() || name == "endpoints") return name;
  if (name.ends_with("s") || name.ends_with("x") || name.ends_with("ch")) return name + "es";
  if (name.ends_with("y") && !name.ends_with("ay") && !name.ends_with("ey")) {
    name.back() = 'i';
    return name + "es";
  }
  return name + 's';
}

}  // namespace ekshume::log
