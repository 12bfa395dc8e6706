// SPDX-License-Identifier: Apache-2.0
#include "log/auditd/fields.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/limits.h"
#include "log/fields.h"

namespace ekshume::log::auditd {
namespace {

constexpr char kEnriched = '\x1d';  // what follows was added by auditd

bool Cut(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsBlank(char c) { return c == ' ' || c == kEnriched || c == '\n'; }

// Cuts one field off. False at the end. Words without "=" are passed over.
bool TakeField(std::string_view& rest, Field& field) {
  while (!rest.empty()) {
    while (!rest.empty() && IsBlank(rest.front())) rest.remove_prefix(1);
    size_t end = 0;
    while (end < rest.size() && !IsBlank(rest[end]) && rest[end] != '=') ++end;
    if (end >= rest.size() || rest[end] != '=') {
      rest.remove_prefix(end);
      continue;
    }
    field.name = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    // User space writes its fields into msg='op=login acct="root" ... res=success'.
    if (field.name == "msg" && Cut(rest, "'")) continue;
    field.quoted = rest.starts_with('"');
    if (field.quoted) {
      rest.remove_prefix(1);
      end = std::min(rest.find('"'), rest.size());
      field.value = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      return true;
    }
    end = 0;
    while (end < rest.size() && !IsBlank(rest[end])) ++end;
    field.value = rest.substr(0, end);
    rest.remove_prefix(end);
    if (field.value.ends_with('\'')) field.value.remove_suffix(1);
    return true;
  }
  return false;
}

}  // namespace

std::optional<Head> ParseHead(std::string_view line) {
  Head head;
  if (Cut(line, "node=")) head.node = TakeWord(line);
  if (!Cut(line, "type=")) return std::nullopt;
  head.type = TakeWord(line);
  if (head.type.empty() || !Cut(line, "msg=audit(")) return std::nullopt;
  const size_t close = line.find("):");
  const size_t colon = line.find(':');
  if (close == std::string_view::npos || colon >= close) return std::nullopt;
  head.id = line.substr(0, close);
  const std::optional<Timestamp> time = ParseEpochSeconds(head.id.substr(0, colon));
  if (!time || !ParseInteger(head.id.substr(colon + 1))) return std::nullopt;
  head.time = *time;
  head.rest = line.substr(close + 2);
  return head;
}

std::vector<Field> ParseFields(std::string_view rest) {
  std::vector<Field> fields;
  Field field;
  while (fields.size() < limits::kMaxArguments && TakeField(rest, field)) fields.push_back(field);
  return fields;
}

std::string Decoded(const Field& field) {
  if (field.quoted) return std::string(field.value);
  if (field.value == "(null)" || field.value == "?" || field.value == "(none)") return {};
  return FromHex(field.value).value_or(std::string(field.value));
}

std::optional<SocketAddress> ParseSocketAddress(std::string_view hex) {
  const std::optional<std::string> bytes = FromHex(hex);
  if (!bytes || bytes->size() < 2) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>((*bytes)[i]); };
  const int family = byte(0) + byte(1) * 256;  // of the machine: little-endian
  if (family == AF_UNIX) {
    const std::string path = bytes->substr(2);
    const size_t begin = path.starts_with('\0') ? 1 : 0;  // an abstract name
    std::string name = (begin == 1 ? "@" : "") + path.substr(begin, path.find('\0', begin) - begin);
    return SocketAddress{std::move(name), std::nullopt};
  }
  const bool six = family == AF_INET6;
  const size_t at = six ? 8 : 4;  // sin6_addr, sin_addr
  if ((family != AF_INET && !six) || bytes->size() < at + (six ? 16 : 4)) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> address{};
  if (inet_ntop(family, bytes->data() + at, address.data(), address.size()) == nullptr) {
    return std::nullopt;
  }
  return SocketAddress{address.data(), byte(2) * 256 + byte(3)};
}

std::string_view SyscallName(std::string_view arch, std::string_view number) {
  struct Call {
    std::string_view name;
    std::string_view x86_64;
    std::string_view arm64;
  };
  // Linux arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.
  static constexpr Call kCalls[] = {{"execve", "59", "221"},
                                    {"execveat", "322", "281"},
                                    {"open", "2", ""},
                                    {"openat", "257", "56"},
                                    {"openat2", "437", "437"},
                                    {"creat", "85", ""},
                                    {"connect", "42", "203"},
                                    {"accept", "43", "202"},
                                    {"accept4", "288", "242"},
                                    {"bind", "49", "200"},
                                    {"listen", "50", "201"},
                                    {"socket", "41", "198"},
                                    {"sendto", "44", "206"},
                                    {"ptrace", "101", "117"},
                                    {"mount", "165", "40"},
                                    {"umount2", "166", "39"},
                                    {"init_module", "175", "105"},
                                    {"finit_module", "313", "273"},
                                    {"delete_module", "176", "106"},
                                    {"kill", "62", "129"},
                                    {"chmod", "90", ""},
                                    {"fchmod", "91", "52"},
                                    {"fchmodat", "268", "53"},
                                    {"chown", "92", ""},
                                    {"fchown", "93", "55"},
                                    {"lchown", "94", ""},
                                    {"fchownat", "260", "54"},
                                    {"unlink", "87", ""},
                                    {"unlinkat", "263", "35"},
                                    {"rename", "82", ""},
                                    {"renameat", "264", "38"},
                                    {"renameat2", "316", "276"},
                                    {"mkdir", "83", ""},
                                    {"mkdirat", "258", "34"},
                                    {"rmdir", "84", ""},
                                    {"symlink", "88", ""},
                                    {"symlinkat", "266", "36"},
                                    {"link", "86", ""},
                                    {"linkat", "265", "37"},
                                    {"truncate", "76", "45"},
                                    {"ftruncate", "77", "46"},
                                    {"setuid", "105", "146"},
                                    {"setresuid", "117", "147"},
                                    {"setgid", "106", "144"},
                                    {"capset", "126", "91"},
                                    {"setns", "308", "268"},
                                    {"unshare", "272", "97"},
                                    {"clone", "56", "220"},
                                    {"clone3", "435", "435"},
                                    {"bpf", "321", "280"},
                                    {"memfd_create", "319", "279"},
                                    {"chroot", "161", "51"},
                                    {"pivot_root", "155", "41"},
                                    {"setxattr", "188", "5"},
                                    {"lsetxattr", "189", "6"},
                                    {"fsetxattr", "190", "7"},
                                    {"removexattr", "197", "14"},
                                    {"personality", "135", "92"},
                                    {"process_vm_writev", "311", "271"},
                                    {"clock_settime", "227", "112"},
                                    {"settimeofday", "164", "170"},
                                    {"sethostname", "170", "161"},
                                    {"userfaultfd", "323", "282"}};
  const bool arm = arch == "c00000b7";
  if (!arm && arch != "c000003e") return number;
  for (const Call& call : kCalls) {
    if ((arm ? call.arm64 : call.x86_64) == number) return call.name;
  }
  return number;
}

}  // namespace ekshume::log::auditd
