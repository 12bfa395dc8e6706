// SPDX-License-Identifier: Apache-2.0
#include "collect/resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>

#include "base/text.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

std::optional<Address> ParseAddress(const std::string& text) {
  Address address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.is_six = true;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

void AddFromHosts(const std::string& host, std::vector<Address>& found) {
  (void)ForEachLine("/etc/hosts", [&](std::string_view line) {
    const std::vector<std::string_view> fields = Fields(line.substr(0, line.find('#')));
    if (fields.size() > 1 && std::find(fields.begin() + 1, fields.end(), host) != fields.end()) {
      if (const auto address = ParseAddress(std::string(fields[0]))) found.push_back(*address);
    }
    return true;
  });
}

void AddFromNameServers(struct __res_state& state, const std::string& host, bool is_six,
                        std::vector<Address>& found) {
  std::array<unsigned char, 8192> answer{};
  const int length = res_nquery(&state, host.c_str(), C_IN, is_six ? T_AAAA : T_A, answer.data(),
                                static_cast<int>(answer.size()));
  if (length <= 0) return;
  ns_msg message{};
  if (ns_initparse(answer.data(), std::min<int>(length, answer.size()), &message) != 0) return;
  const size_t bytes = is_six ? 16 : 4;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) return;
    if (ns_rr_type(record) != (is_six ? ns_t_aaaa : ns_t_a) || ns_rr_rdlen(record) != bytes)
      continue;
    Address address{.is_six = is_six};
    std::copy_n(ns_rr_rdata(record), bytes, address.bytes.begin());
    found.push_back(address);
  }
}

}  // namespace

Result<std::vector<Address>> Resolve(const std::string& host) {
  std::vector<Address> found;
  if (const auto address = ParseAddress(host)) return std::vector<Address>{*address};
  AddFromHosts(host, found);
  if (!found.empty()) return found;
  struct __res_state state{};
  if (res_ninit(&state) == 0) {
    AddFromNameServers(state, host, /*is_six=*/false, found);
    AddFromNameServers(state, host, /*is_six=*/true, found);
    res_nclose(&state);
  }
  if (!found.empty()) return found;
  return Fail(ErrorCode::kNotFound,
              fmt::format("no address of {} in /etc/hosts or from the name servers",
                          EscapeForTerminal(host)));
}

}  // namespace ekshume::collect
