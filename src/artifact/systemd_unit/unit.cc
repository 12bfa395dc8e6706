// SPDX-License-Identifier: Apache-2.0
#include "artifact/systemd_unit/unit.h"

#include "artifact/reading.h"

namespace ekshume::artifact::systemd_unit {

std::vector<Setting> ParseUnit(std::string_view content) {
  std::vector<Setting> settings;
  std::string section;
  bool continues = false;
  for (const Line& line : Lines(content)) {
    std::string_view text = Trim(line.text);
    const bool is_comment = text.starts_with('#') || text.starts_with(';');
    // Comments may stand between the lines of one setting.
    if (is_comment || (text.empty() && !continues)) continue;
    const bool goes_on = text.ends_with('\\');
    if (goes_on) text = Trim(text.substr(0, text.size() - 1));
    if (continues) {
      settings.back().value.append(" ").append(text);
      continues = goes_on;
      continue;
    }
    if (text.starts_with('[') && text.ends_with(']')) {
      section = text.substr(1, text.size() - 2);
      continue;
    }
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    settings.push_back({section, std::string(Trim(text.substr(0, equals))),
                        std::string(Trim(text.substr(equals + 1))), line.text, line.offset});
    continues = goes_on;
  }
  return settings;
}

}  // namespace ekshume::artifact::systemd_unit
