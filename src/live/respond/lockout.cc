// SPDX-License-Identifier: Apache-2.0
#include "live/respond/lockout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace ekshume::live::respond {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

std::string_view LastPart(std::string_view text) { return text.substr(text.rfind('/') + 1); }

// "web-1" of "AROAEXAMPLE:web-1".
std::string_view SessionOf(const aws::CallerIdentity& caller) {
  const std::string_view id = caller.user_id;
  const size_t colon = id.find(':');
  return colon == std::string_view::npos ? std::string_view() : id.substr(colon + 1);
}

// A pattern of our own policies: one '*' at the start, or none.
bool MeetsPattern(std::string_view text, std::string_view pattern) {
  return pattern.starts_with('*') ? text.ends_with(pattern.substr(1)) : text == pattern;
}

// Whether a denial meets our session. What cannot be told is taken for a yes, but for the tags of
// Pod Identity's sessions: those are of pods, and it is named by whoever plans.
bool MeetsUs(const Json& statement, const aws::CallerIdentity& caller) {
  if (TextOf(statement, "Effect") != "Deny") return false;
  const Json& condition = ObjectOf(statement, "Condition");
  for (const char* test : {"StringEquals", "StringLike"}) {
    const Json& keys = ObjectOf(condition, test);
    const std::string user = TextOf(keys, "aws:userid");
    if (!user.empty() && !MeetsPattern(caller.user_id, user)) return false;
    for (const auto& [key, value] : keys.items()) {
      if (key.starts_with("aws:PrincipalTag/kubernetes-")) return false;
    }
  }
  return true;
}

bool MeetsUs(const AwsChange& change, const aws::CallerIdentity& caller) {
  const Json& statements = ObjectOf(change.wanted, "document");
  if (!statements.contains("Statement")) return false;
  const Json& list = statements["Statement"];
  if (!list.is_array()) return MeetsUs(list, caller);
  return std::ranges::any_of(list, [&](const Json& one) { return MeetsUs(one, caller); });
}

std::optional<uint32_t> AddressOf(std::string_view text) {
  uint32_t address = 0;
  size_t count = 0;
  for (const std::string_view part : SplitNonEmpty(text, '.')) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size() || number > 255) return {};
    address = address << 8 | number;
    ++count;
  }
  if (count != 4) return {};
  return address;
}

struct Range {
  uint32_t first;
  uint32_t last;
};
// RFC 1918, shared addresses (RFC 6598), this host, link-local, multicast and what is reserved.
constexpr std::array<Range, 8> kNotPublic = {{{0x00000000, 0x00ffffff},
                                              {0x0a000000, 0x0affffff},
                                              {0x64400000, 0x647fffff},
                                              {0x7f000000, 0x7fffffff},
                                              {0xa9fe0000, 0xa9feffff},
                                              {0xac100000, 0xac1fffff},
                                              {0xc0a80000, 0xc0a8ffff},
                                              {0xe0000000, 0xffffffff}}};

std::string LockoutOfEndpoint(const AwsChange& change) {
  // Without the public endpoint there is the private one.
  if (TextOf(change.wanted, "public") == "false") return "";
  if (!change.wanted.contains("public_from")) return "";
  const auto is_public = [](const Json& one) {
    return one.is_string() && IsPublicRange(one.get<std::string>());
  };
  if (std::ranges::any_of(ArrayOf(change.wanted, "public_from"), is_public)) return "";
  return "none of the ranges has addresses of the Internet: nobody could reach the public endpoint";
}

}  // namespace

bool IsPublicRange(std::string_view range) {
  const size_t slash = range.find('/');
  if (slash == std::string_view::npos) return false;
  const auto address = AddressOf(range.substr(0, slash));
  const std::string_view length = range.substr(slash + 1);
  uint32_t bits = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (!address || error != std::errc() || end != length.data() + length.size() || bits > 32) {
    return false;
  }
  const uint32_t host = bits == 0 ? 0xffffffffU : bits == 32 ? 0U : 0xffffffffU >> bits;
  const uint32_t first = *address & ~host;
  const uint32_t last = *address | host;
  return std::ranges::none_of(kNotPublic, [&](const Range& not_public) {
    return not_public.first <= first && last <= not_public.last;
  });
}

bool IsCaller(const aws::CallerIdentity& caller, std::string_view kind, std::string_view name) {
  // arn:aws:iam::ACCOUNT:user/PATH/NAME, arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION
  const std::string_view arn = caller.arn;
  const std::string_view resource = arn.substr(arn.rfind(':') + 1);
  name = LastPart(name);
  if (kind == "user") return resource.starts_with("user/") && LastPart(resource) == name;
  return resource.starts_with(fmt::format("assumed-role/{}/", name));
}

std::string LockoutOf(const AwsChange& change, const aws::CallerIdentity& caller) {
  const std::string& resource = change.resource;
  if (resource == "cluster-endpoint") return LockoutOfEndpoint(change);
  if (caller.arn.empty()) return "";
  const std::string role = TextOf(change.parameters, "RoleName");
  const std::string user = TextOf(change.parameters, "UserName");
  const bool is_our_role = !role.empty() && IsCaller(caller, "role", role);
  const bool is_our_user = !user.empty() && IsCaller(caller, "user", user);
  if (is_our_role && resource == "role-policy" && MeetsUs(change, caller)) {
    return fmt::format("we act as the role {} and would be denied ourselves", role);
  }
  if (is_our_role && resource == "role-trust") {
    return fmt::format("we act as the role {} and may not get it again", role);
  }
  if (is_our_user && resource == "user-policy" && MeetsUs(change, caller)) {
    return fmt::format("we act as the user {} and would be denied ourselves", user);
  }
  if (is_our_user && resource == "access-key") {
    return fmt::format("we act as the user {}, perhaps by this key", user);
  }
  if (resource == "access-entry" || resource == "access-policy") {
    const std::string arn = TextOf(change.parameters, "principalArn");
    const char* const kind = arn.find(":user/") == std::string::npos ? "role" : "user";
    if (IsCaller(caller, kind, arn)) return "we act as this principal and would leave the cluster";
  }
  if ((resource == "instance-profile" || resource == "instance-state" ||
       resource == "instance-termination") &&
      TextOf(change.parameters, "InstanceId") == SessionOf(caller)) {
    return "we act by the credentials of this instance";
  }
  return "";
}

}  // namespace ekshume::live::respond
