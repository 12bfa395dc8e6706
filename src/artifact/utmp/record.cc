// SPDX-License-Identifier: Apache-2.0
#include "artifact/utmp/record.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "artifact/utmp/format.h"

namespace ekshume::artifact::utmp {
namespace {

constexpr size_t kGuessRecords = 64;
constexpr uint32_t kMicrosecondsPerSecond = 1000000;

// A fixed field up to its first NUL.
template <size_t kSize>
std::string Field(const std::array<char, kSize>& field) {
  return {field.begin(), std::ranges::find(field, '\0')};
}

// No control characters: what a name of a line, user or host is.
bool IsPrintable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

std::string Address(const std::array<std::byte, 16>& bytes) {
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  if (std::ranges::all_of(bytes, is_zero)) return "";
  const bool v4 = std::all_of(bytes.begin() + 4, bytes.end(), is_zero);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size()) == nullptr) {
    return "";
  }
  return text.data();
}

// Signed where the record has 32 bits: utmp.h's int32_t.
int64_t Wide(le32 value) { return static_cast<int32_t>(value.value()); }
int64_t Wide(le64 value) { return static_cast<int64_t>(value.value()); }

template <typename Raw>
Record FromRaw(const Raw& raw) {
  Record record;
  record.type = raw.ut_type.value();
  record.pid = Wide(raw.ut_pid);
  record.line = Field(raw.ut_line);
  record.id = Field(raw.ut_id);
  record.user = Field(raw.ut_user);
  record.host = Field(raw.ut_host);
  record.address = Address(raw.ut_addr_v6);
  const int64_t microseconds = Wide(raw.tv_usec);
  const bool microseconds_fit = microseconds >= 0 && microseconds < kMicrosecondsPerSecond;
  record.time = {Wide(raw.tv_sec),
                 microseconds_fit ? static_cast<uint32_t>(microseconds) * 1000U : 0U};
  record.plausible = record.type <= kAccounting && microseconds_fit && record.pid >= 0 &&
                     IsPrintable(record.line) && IsPrintable(record.user) &&
                     IsPrintable(record.host) && raw.padding.value() == 0;
  return record;
}

template <typename Raw>
std::optional<Record> FromLastlog(const Raw& raw) {
  Record record;
  record.type = kUserProcess;
  record.line = Field(raw.ll_line);
  record.host = Field(raw.ll_host);
  record.time = {Wide(raw.ll_time), 0};
  if (record.time.seconds == 0 && record.line.empty() && record.host.empty()) return std::nullopt;
  record.plausible =
      record.time.seconds > 0 && IsPrintable(record.line) && IsPrintable(record.host);
  return record;
}

// The plausible records among the first ones less the others. `judge` says 1, -1, or 0 for a record
// that says nothing.
template <typename Judge>
int64_t Score(ByteView beginning, size_t bytes, const Judge& judge) {
  int64_t score = 0;
  size_t judged = 0;
  for (size_t at = 0; beginning.Contains(at, bytes) && judged < kGuessRecords; at += bytes) {
    const int64_t judgement = judge(beginning.From(at));
    if (judgement != 0) ++judged;
    score += judgement;
  }
  return score;
}

}  // namespace

size_t UtmpBytes(Width width) { return width == Width::k32 ? sizeof(Utmp32) : sizeof(Utmp64); }
size_t LastlogBytes(Width width) {
  return width == Width::k32 ? sizeof(Lastlog32) : sizeof(Lastlog64);
}

Result<Record> ParseUtmp(ByteView bytes, Width width) {
  if (width == Width::k32) return FromRaw(EKSHUME_TRY(bytes.Read<Utmp32>(0)));
  return FromRaw(EKSHUME_TRY(bytes.Read<Utmp64>(0)));
}

Result<std::optional<Record>> ParseLastlog(ByteView bytes, Width width) {
  if (width == Width::k32) return FromLastlog(EKSHUME_TRY(bytes.Read<Lastlog32>(0)));
  return FromLastlog(EKSHUME_TRY(bytes.Read<Lastlog64>(0)));
}

Width GuessUtmpWidth(ByteView beginning) {
  const auto score = [&](Width width) {
    return Score(beginning, UtmpBytes(width), [&](ByteView bytes) -> int64_t {
      const auto record = ParseUtmp(bytes, width);
      // An empty record fits both.
      if (!record || record->time.seconds == 0) return 0;
      return record->plausible ? 1 : -1;
    });
  };
  return score(Width::k64) > score(Width::k32) ? Width::k64 : Width::k32;
}

int64_t LastlogScore(ByteView beginning, Width width) {
  return Score(beginning, LastlogBytes(width), [&](ByteView bytes) -> int64_t {
    const auto record = ParseLastlog(bytes, width);
    if (!record || !*record) return 0;
    return (*record)->plausible ? 1 : -1;
  });
}

std::string Dump(const Record& record) {
  const std::string time = FormatTimestamp(record.time);
  return fmt::format("[{}] [{:05}] [{:<4}] [{:<8}] [{:<12}] [{:<20}] [{:<15}] [{}]", record.type,
                     record.pid, record.id, record.user, record.line, record.host,
                     record.address.empty() ? "0.0.0.0" : record.address, time);
}

}  // namespace ekshume::artifact::utmp
