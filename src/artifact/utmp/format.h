// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// utmp(5) as glibc writes it: bits/utmp.h. What differs is the width of ut_session and ut_tv:
// machines whose 64-bit programs share their files with 32-bit ones (x86-64) keep 32 bits
// (__WORDSIZE_TIME64_COMPAT32), others (aarch64) write 64.
namespace ekshume::artifact::utmp {

using Line = std::array<char, 32>;
using User = std::array<char, 32>;
using Host = std::array<char, 256>;

struct Utmp32 {
  le16 ut_type;
  le16 padding;
  le32 ut_pid;
  Line ut_line;
  std::array<char, 4> ut_id;
  User ut_user;
  Host ut_host;
  le16 e_termination;
  le16 e_exit;
  le32 ut_session;
  le32 tv_sec;
  le32 tv_usec;
  std::array<std::byte, 16> ut_addr_v6;  // network byte order; IPv4 in the first four bytes
  std::array<std::byte, 20> reserved;
};
static_assert(sizeof(Utmp32) == 384);
static_assert(offsetof(Utmp32, reserved) == 364);

struct Utmp64 {
  le16 ut_type;
  le16 padding;
  le32 ut_pid;
  Line ut_line;
  std::array<char, 4> ut_id;
  User ut_user;
  Host ut_host;
  le16 e_termination;
  le16 e_exit;
  le64 ut_session;
  le64 tv_sec;
  le64 tv_usec;
  std::array<std::byte, 16> ut_addr_v6;
  std::array<std::byte, 20> reserved;
  std::array<std::byte, 4> tail;
};
static_assert(sizeof(Utmp64) == 400);
static_assert(offsetof(Utmp64, tail) == 396);

// ut_type: utmp(5)
enum Type : uint16_t {
  kEmpty = 0,
  kRunLevel = 1,
  kBootTime = 2,
  kNewTime = 3,
  kOldTime = 4,
  kInitProcess = 5,
  kLoginProcess = 6,
  kUserProcess = 7,
  kDeadProcess = 8,
  kAccounting = 9,
};

// /var/log/lastlog: one entry per uid, at uid times the size. ll_time is of the same widths.
struct Lastlog32 {
  le32 ll_time;
  Line ll_line;
  Host ll_host;
};
static_assert(sizeof(Lastlog32) == 292);
static_assert(offsetof(Lastlog32, ll_host) == 36);

struct Lastlog64 {
  le64 ll_time;
  Line ll_line;
  Host ll_host;
};
static_assert(sizeof(Lastlog64) == 296);
static_assert(offsetof(Lastlog64, ll_host) == 40);

}  // namespace ekshume::artifact::utmp
