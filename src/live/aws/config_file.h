// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

// ~/.aws/config and ~/.aws/credentials ("Shared config and credentials files" in the AWS SDKs and
// tools reference guide): sections in brackets, `name = value` lines, comments with # or ;. Nested
// blocks (indented lines) are skipped, as nothing of credentials is in them.
namespace ekshume::live::aws {

using Section = std::map<std::string, std::string>;

struct SharedConfig {
  std::map<std::string, Section> profiles;      // by name; credentials win over config
  std::map<std::string, Section> sso_sessions;  // by name

  // A value of a profile, or "".
  std::string Value(const std::string& profile, const std::string& name) const;
};

enum class ConfigKind { kConfig, kCredentials };

// Adds what one of the files holds. In the config file a profile's section is `[profile NAME]` or
// `[default]`; in the credentials file it is `[NAME]`. Lines that are neither are skipped.
void ReadSharedFile(std::string_view text, ConfigKind kind, SharedConfig& config);

}  // namespace ekshume::live::aws
