// SPDX-License-Identifier: Apache-2.0
#include "event/store/coded_events.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "event/store/store.h"

namespace ekshume::event {
namespace {

const std::atomic<bool> kGoOn{false};

class CodedEventsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ekshume-coded-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ + "/index/coded_events.zst";
    auto store = Store::Open(folder_, Store::Access::kWrite);
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    Run("INSERT INTO stored_events BY NAME SELECT md5(i::VARCHAR)::UUID AS id, CASE WHEN i % 40 = "
        "7 "
        "THEN NULL ELSE make_timestamp_ns(1795000000000000000 + (hash(i) % 90)::BIGINT) END AS "
        "time, 'vpc_flow' AS source, CASE WHEN i % 3 > 0 THEN 'pod-' || (hash(i, 2) % 90) END AS "
        "pod, 'user-' || (hash(i, 3) % 400) AS user_name, 'Secret-' || (i % 5) AS object_name FROM "
        "range(3000) AS t(i)");
    Run("DELETE FROM stored_events WHERE pod = 'pod-3'");
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Run(const std::string& sql) {
    const auto done = store_->Execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }

  // All that can be asked of them, as text.
  static std::string Told(const CodedEvents& events) {
    std::string told = fmt::format("{} {}\n", events.size(), events.with_time());
    for (const int64_t time : events.times()) told += fmt::format("{} ", time);
    for (size_t i = 0; i < events.size(); ++i) {
      told += fmt::format("{}-{} ", events.RowOf(i), events.PositionOf(events.RowOf(i)).value());
    }
    EventSet all(events.size());
    all.AddAll();
    all.Finish();
    for (const std::string_view column : CodedEvents::kCounted) {
      told += fmt::format("\n{}:", column);
      for (const auto& [value, count] : events.Values(all, column, 1000)) {
        told += fmt::format(" {}={}", value.value_or("none"), count);
      }
    }
    for (const std::string_view column : CodedEvents::kSearched) {
      told += fmt::format("\n{}:", column);
      const auto found = events.Containing(column, "", 1000);
      for (const std::string& value : found.value_or(std::vector<std::string>())) {
        told += " " + value;
      }
    }
    return told;
  }

  std::string ReadFile() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void WriteFile(const std::string& content) const {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << content;
  }
  static std::string Unpack(const std::string& packed) {
    std::string text(size_t{1} << 20, '\0');
    const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{text.data(), text.size(), 0};
    EXPECT_EQ(ZSTD_decompressStream(context.get(), &out, &in), 0U);
    text.resize(out.pos);
    return text;
  }
  static std::string Pack(const std::string& text) {
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
    return packed;
  }

  std::string folder_;
  std::string file_;
  std::unique_ptr<Store> store_;
};

TEST_F(CodedEventsTest, OutOfTheFileTheyAreWhatTheTablesSay) {
  const auto none = store_->LoadCoded();
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(*none, nullptr);
  ASSERT_TRUE(store_->KeepCoded(0));
  const auto read = store_->ReadCoded(kGoOn);
  const auto loaded = store_->LoadCoded();
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_NE(*loaded, nullptr);
  EXPECT_GT((*loaded)->size(), 2900U);
  EXPECT_EQ(Told(**loaded), Told(**read));
  // The names of users and pods are in there: nobody else reads it.
  EXPECT_EQ(std::filesystem::status(file_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(std::filesystem::exists(file_ + ".new"));
  // It is not written again while it is of these events.
  const auto written = std::filesystem::last_write_time(file_);
  ASSERT_TRUE(store_->KeepCoded(0));
  EXPECT_EQ(std::filesystem::last_write_time(file_), written);
}

TEST_F(CodedEventsTest, ADamagedFileIsWrittenAgain) {
  ASSERT_TRUE(store_->KeepCoded(0));
  WriteFile("damaged");
  ASSERT_TRUE(store_->KeepCoded(0));
  EXPECT_NE(store_->LoadCoded().value(), nullptr);
}

TEST_F(CodedEventsTest, FewEventsMakeNoFile) {
  ASSERT_TRUE(store_->KeepCoded(3000));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(CodedEventsTest, AFileOfOtherEventsIsNotTaken) {
  for (const char* change :
       {"DELETE FROM stored_events WHERE rowid = 17",
        "UPDATE stored_events SET time = make_timestamp_ns(1795000000000000001) WHERE rowid = 20",
        "INSERT INTO stored_events BY NAME SELECT md5('new')::UUID AS id",
        "UPDATE stored_events SET id = md5('other')::UUID WHERE rowid = 21"}) {
    ASSERT_TRUE(store_->KeepCoded(0));
    ASSERT_NE(store_->LoadCoded().value(), nullptr) << change;
    Run(change);
    const auto loaded = store_->LoadCoded();
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(*loaded, nullptr) << change;
  }
}

TEST_F(CodedEventsTest, ADamagedFileIsRefused) {
  ASSERT_TRUE(store_->KeepCoded(0));
  const std::string whole = ReadFile();
  const std::string told = Told(**store_->ReadCoded(kGoOn));
  std::mt19937 choose(1);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = whole;
    damaged[choose() % damaged.size()] ^= static_cast<char>(1 << choose() % 8);
    WriteFile(damaged);
    const auto loaded = store_->LoadCoded();
    if (!loaded) {
      EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
      ++refused;
    } else if (*loaded != nullptr) {
      // One bit of the frame's header may mean nothing.
      EXPECT_EQ(Told(**loaded), told);
    }
  }
  EXPECT_GT(refused, 250);
  for (const std::string& other :
       {std::string(), whole.substr(0, 1), whole.substr(0, whole.size() / 2),
        whole.substr(0, whole.size() - 1), whole + "x", std::string(5000, 'x')}) {
    WriteFile(other);
    const auto loaded = store_->LoadCoded();
    ASSERT_FALSE(loaded) << other.size();
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(CodedEventsTest, WhatIsWrongInSoundFramesIsRefusedOrHarmless) {
  ASSERT_TRUE(store_->KeepCoded(0));
  const std::string whole = Unpack(ReadFile());
  ASSERT_GT(whole.size(), 30000U);
  WriteFile(Pack(whole));
  ASSERT_NE(store_->LoadCoded().value(), nullptr);
  std::mt19937 choose(1);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string changed = whole;
    changed[choose() % changed.size()] = static_cast<char>(choose());
    WriteFile(Pack(changed));
    const auto loaded = store_->LoadCoded();
    if (!loaded) {
      EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt) << loaded.error().message;
      ++refused;
    } else if (*loaded != nullptr) {
      Told(**loaded);
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace ekshume::event
