// SPDX-License-Identifier: Apache-2.0
#include "event/store/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "base/limits.h"
#include "event/store/known_ids.h"
#include "event/store/pack.h"

namespace ekshume::event {
namespace {

// A folder that is gone afterwards.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "ekshume-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Given {
  Event event;
  std::string raw;
};

// Gives these events as one item.
class Source final : public RowSource {
 public:
  Source(std::string key, std::vector<Given> events)
      : key_(std::move(key)), events_(std::move(events)) {}

  bool Next(RowBatch& batch) override {
    const std::lock_guard lock(mutex_);
    if (next_ == events_.size()) return false;
    for (size_t i = 0; i < 3 && next_ < events_.size(); ++i, ++next_) {
      const Given& given = events_[next_];
      // Of a string that is gone before the batch is stored.
      const std::string evidence = fmt::format("e{}", next_ / 2);
      batch.Add(given.event, {0, batch.KeepEvidence(evidence), next_, 0}, batch.AddRaw(given.raw),
                static_cast<uint32_t>(given.raw.size()));
    }
    return true;
  }
  void Duplicate(uint32_t) override {
    const std::lock_guard lock(mutex_);
    ++duplicates_;
  }
  std::string_view ItemKey(uint32_t) override { return key_; }

  Result<void> Into(Store& store, Effort effort = Effort::kFull) {
    const auto finish = [&]() -> Result<std::vector<Item>> {
      Item item;
      item.key = key_;
      item.name = "e";
      item.records = events_.size();
      item.rows = events_.size() - duplicates_;
      item.duplicates = duplicates_;
      return std::vector<Item>{item};
    };
    return store.Ingest(*this, finish, effort);
  }

 private:
  const std::string key_;
  const std::vector<Given> events_;
  std::mutex mutex_;
  size_t next_ = 0;
  uint64_t duplicates_ = 0;
};

Given Make(std::string_view source, std::string_view identity, int64_t seconds,
           std::string_view message = "m") {
  Given given;
  given.event[Text::kSource] = source;
  given.event[Text::kMessage] = message;
  given.event.identity = identity;
  given.event.time = Timestamp{seconds, 7};
  given.raw = fmt::format("raw of {} {}", source, identity);
  return given;
}

std::unique_ptr<Store> Open(const Folder& folder) {
  Result<std::unique_ptr<Store>> store = Store::Open(folder.path(), Store::Access::kWrite);
  EXPECT_TRUE(store) << store.error().message;
  return store ? *std::move(store) : nullptr;
}

std::vector<std::string> Column(Store& store, const std::string& sql) {
  std::vector<std::string> values;
  const Result<std::unique_ptr<Rows>> rows = store.Query(sql);
  EXPECT_TRUE(rows) << rows.error().message;
  if (!rows) return values;
  for (;;) {
    const Result<bool> more = (*rows)->Next();
    EXPECT_TRUE(more) << more.error().message;
    if (!more || !*more) return values;
    values.emplace_back((*rows)->IsNull(0) ? "null" : (*rows)->Text(0));
  }
}

using Texts = std::vector<std::string>;

TEST(Store, KeepsEveryColumnAndTheRecord) {
  const Folder folder;
  const auto store = Open(folder);
  ASSERT_TRUE(store);
  Given given = Make("s", "1", 1700000000);
  given.event[Text::kPath] = std::string("a\xff\0b", 4);
  given.event[Number::kStatusCode] = -5;
  given.raw = std::string("bytes \xff\0 as found", 17);
  ASSERT_TRUE(Source("k", {given}).Into(*store));
  EXPECT_EQ(Column(*store, "SELECT time FROM events"), Texts{"2023-11-14T22:13:20.000000007Z"});
  EXPECT_EQ(Column(*store, "SELECT path FROM events"), Texts{std::string("a\\xff\0b", 7)});
  EXPECT_EQ(Column(*store, "SELECT status_code FROM events"), Texts{"-5"});
  EXPECT_EQ(Column(*store, "SELECT pod FROM events"), Texts{"null"});
  EXPECT_EQ(Column(*store, "SELECT locator FROM events"), Texts{"offset=0"});
  EXPECT_EQ(Column(*store, "SELECT raw FROM events"),
            Texts{std::string("bytes \\xff\0 as found", 20)});
  const Texts ids = Column(*store, "SELECT id FROM events");
  ASSERT_EQ(ids.size(), 1U);
  const auto record = store->Record(ids[0]);
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, given.raw);
  EXPECT_EQ(*store->Record("no id"), std::nullopt);
}

TEST(Store, GivesEventsInSlicesToSeveralThreads) {
  const Folder folder;
  const auto store = Open(folder);
  ASSERT_TRUE(store);
  std::vector<Given> events;
  for (int i = 0; i < 5000; ++i) {
    events.push_back(Make("s", std::to_string(i), i, fmt::format("message {}", i)));
  }
  events[7].event[Number::kPid] = 77;
  events[7].event.time.reset();
  events[8].raw = "bytes \xff";
  ASSERT_TRUE(Source("k", events).Into(*store));
  std::mutex mutex;
  std::map<std::string, std::string> seen;  // id -> all that was read
  const auto scan = [&](const std::string& where) {
    seen.clear();
    return store->Scan(where, [&](size_t thread, EventSlice& slice) -> Result<bool> {
      EXPECT_LT(thread, ScanThreads());
      for (size_t row = 0; row < slice.size(); ++row) {
        const std::string_view raw = EKSHUME_TRY(slice.Record(row));
        const std::lock_guard lock(mutex);
        const bool is_new =
            seen.try_emplace(
                    slice.Id(row),
                    fmt::format("{}|{}|{}|{}|{}", slice.Time(row).value_or(-1),
                                slice.Text(row, Text::kMessage), slice.Text(row, Text::kPod),
                                slice.Number(row, Number::kPid).value_or(-1), raw))
                .second;
        EXPECT_TRUE(is_new);
      }
      return true;
    });
  };
  ASSERT_TRUE(scan("true"));
  EXPECT_EQ(seen.size(), 5000U);
  const auto read = [&](const std::string& message) {
    return seen[Column(*store, "SELECT id FROM events WHERE message = '" + message + "'").at(0)];
  };
  EXPECT_EQ(read("message 9"), "9000000007|message 9||-1|raw of s 9");
  EXPECT_EQ(read("message 7"), "-1|message 7||77|raw of s 7");
  EXPECT_EQ(read("message 8"), "8000000007|message 8||-1|bytes \\xff");
  ASSERT_TRUE(scan("time > make_timestamp_ns(4997000000007)"));
  EXPECT_EQ(seen.size(), 2U);
  // Ends when a visit has enough, or fails; the store is of use afterwards.
  EXPECT_TRUE(store->Scan("true", [](size_t, EventSlice&) { return Result<bool>(false); }));
  const Result<void> failed = store->Scan("true", [](size_t, EventSlice&) -> Result<bool> {
    return Fail(ErrorCode::kCorrupt, "no more");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "no more");
  EXPECT_FALSE(store->Scan("nothing = 1", [](size_t, EventSlice&) { return Result<bool>(true); }));
  EXPECT_EQ(Column(*store, "SELECT count(*) FROM events"), Texts{"5000"});
}

TEST(Store, StoresARecordWithAnIdentityOnce) {
  const Folder folder;
  {
    const auto store = Open(folder);
    ASSERT_TRUE(
        Source("k1", {Make("s", "1", 1), Make("s", "2", 2), Make("s", "1", 1), Make("t", "1", 3)})
            .Into(*store));
    EXPECT_EQ(store->FindItem("k1")->duplicates, 1U);
  }
  const auto store = Open(folder);
  ASSERT_TRUE(Source("k2", {Make("s", "2", 2), Make("s", "3", 4)}).Into(*store));
  EXPECT_EQ(store->FindItem("k2")->duplicates, 1U);
  EXPECT_EQ(Column(*store, "SELECT raw FROM events ORDER BY time"),
            (Texts{"raw of s 1", "raw of s 2", "raw of t 1", "raw of s 3"}));
}

TEST(Store, StoresTheSameWithLittleEffort) {
  const Folder folder;
  const auto store = Open(folder);
  ASSERT_TRUE(store);
  std::vector<Given> events;
  for (int i = 0; i < 5000; ++i) events.push_back(Make("s", fmt::format("{}", i), i));
  ASSERT_TRUE(Source("k", events).Into(*store, Effort::kSparing));
  EXPECT_EQ(Column(*store, "SELECT current_setting('threads')"),
            Texts{fmt::format("{}", ScanThreads())});
  EXPECT_EQ(Column(*store, "SELECT count(DISTINCT id) FROM events"), Texts{"5000"});
  EXPECT_EQ(Column(*store, "SELECT raw FROM events ORDER BY time LIMIT 1 OFFSET 4321"),
            Texts{"raw of s 4321"});
  EXPECT_EQ(Column(*store, "SELECT evidence FROM events ORDER BY time LIMIT 1 OFFSET 4321"),
            Texts{"e2160"});
}

TEST(Store, GivesTheSameIdsOnEveryRun) {
  Texts ids[2];
  for (Texts& run : ids) {
    const Folder folder;
    const auto store = Open(folder);
    ASSERT_TRUE(Source("k", {Make("s", "", 1), Make("s", "", 1), Make("s", "x", 1)}).Into(*store));
    run = Column(*store, "SELECT id FROM events ORDER BY id");
  }
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(std::set<std::string>(ids[0].begin(), ids[0].end()).size(), 3U);
}

TEST(Store, StaysLockedForOtherProcessesAfterAnIngest) {
  const Folder folder;
  const auto store = *Store::Open(folder.path(), Store::Access::kWrite);
  ASSERT_TRUE(Source("k", {{Event(), "a"}}).Into(*store));
  ASSERT_TRUE(store->Finish());
  // Only another process sees the lock: its exit code is the kind of lock.
  const pid_t child = ::fork();
  if (child == 0) {
    const int file = ::open((folder.path() + "/events.duckdb").c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    ::_exit(file >= 0 && ::fcntl(file, F_GETLK, &lock) == 0 ? lock.l_type : 99);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), F_WRLCK);
}

TEST(Store, ForgetsAnIngestThatFailed) {
  const Folder folder;
  const auto store = Open(folder);
  ASSERT_TRUE(Source("k1", {Make("s", "1", 1)}).Into(*store));
  Source source("k2", {Make("s", "2", 2), Make("s", "3", 3)});
  const Result<void> failed = store->Ingest(
      source, []() -> Result<std::vector<Item>> { return Fail(ErrorCode::kCancelled, "stopped"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kCancelled);
  // Again, and now it goes in: nothing of the first time counts as a duplicate.
  ASSERT_TRUE(Source("k2", {Make("s", "2", 2), Make("s", "3", 3)}).Into(*store));
  EXPECT_EQ(store->FindItem("k2")->rows, 2U);
  EXPECT_EQ(Column(*store, "SELECT raw FROM events ORDER BY time"),
            (Texts{"raw of s 1", "raw of s 2", "raw of s 3"}));
}

TEST(Store, CutsOffRecordsThatWereNeverCommitted) {
  const Folder folder;
  {
    const auto store = Open(folder);
    ASSERT_TRUE(Source("k1", {Make("s", "1", 1)}).Into(*store));
  }
  std::ofstream(folder.path() + "/records.zst", std::ios::app) << "left by a process that died";
  const auto store = Open(folder);
  ASSERT_TRUE(Source("k2", {Make("s", "2", 2)}).Into(*store));
  EXPECT_EQ(Column(*store, "SELECT raw FROM events ORDER BY time"),
            (Texts{"raw of s 1", "raw of s 2"}));
}

TEST(Store, FoldsTheStagesOfARequestIntoTheLast) {
  const Folder folder;
  const auto store = Open(folder);
  const auto stage = [](std::string_view name, std::string_view audit, int64_t seconds) {
    Given given = Make("k8s_audit", fmt::format("{}/{}", audit, name), seconds, name);
    given.event[Text::kStage] = name;
    given.event[Text::kRecordId] = audit;
    return given;
  };
  ASSERT_TRUE(Source("k1", {stage("RequestReceived", "a", 10), stage("ResponseComplete", "a", 13),
                            stage("ResponseStarted", "b", 20), stage("RequestReceived", "c", 30)})
                  .Into(*store));
  ASSERT_TRUE(Source("k2", {stage("ResponseComplete", "b", 50)}).Into(*store));
  ASSERT_TRUE(store->Finish());
  ASSERT_TRUE(store->Finish());
  EXPECT_EQ(Column(*store,
                   "SELECT message || ' ' || time || ' ' || coalesce(duration_ns, 0) FROM "
                   "events ORDER BY time"),
            (Texts{"ResponseComplete 1970-01-01 00:00:10.000000007 3000000000",
                   "ResponseComplete 1970-01-01 00:00:20.000000007 30000000000",
                   "RequestReceived 1970-01-01 00:00:30.000000007 0"}));
  EXPECT_EQ(store->FindItem("k1")->folded, 2U);
  EXPECT_EQ(store->FindItem("k1")->rows, 2U);
  EXPECT_EQ(store->FindItem("k2")->folded, 0U);
}

TEST(Store, KeepsTheNewestVersionOfAFinding) {
  const Folder folder;
  const auto store = Open(folder);
  const auto version = [](std::string_view updated, int64_t seconds) {
    Given given = Make("guardduty", updated, seconds, updated);
    given.event[Text::kRecordId] = "finding";
    return given;
  };
  ASSERT_TRUE(
      Source("k", {version("old", 10), version("new", 30), version("older", 5)}).Into(*store));
  ASSERT_TRUE(store->Finish());
  EXPECT_EQ(Column(*store, "SELECT message FROM events"), Texts{"new"});
  EXPECT_EQ(store->FindItem("k")->folded, 2U);
}

TEST(Store, JoinsTheNamesOfAnActor) {
  const Folder folder;
  const auto store = Open(folder);
  Given key = Make("k8s_audit", "1", 1);
  key.event[Text::kAccessKeyId] = "AKIAEXAMPLE";
  key.event[Text::kUserArn] = "arn:aws:iam::123456789012:user/mallory";
  key.event[Text::kUserName] = "mallory";
  Given issued = Make("cloudtrail", "2", 2);
  issued.event[Text::kAccessKeyId] = "AKIAEXAMPLE";
  issued.event[Text::kTags] = "issued_key=ASIAEXAMPLE issued_arn=x";
  // A user name that two ARNs share joins neither of them to the other.
  Given shared1 = Make("k8s_audit", "3", 3);
  shared1.event[Text::kUserArn] = "arn:one";
  shared1.event[Text::kUserName] = "admin";
  Given shared2 = Make("k8s_audit", "4", 4);
  shared2.event[Text::kUserArn] = "arn:two";
  shared2.event[Text::kUserName] = "admin";
  ASSERT_TRUE(Source("k", {key, issued, shared1, shared2}).Into(*store));
  ASSERT_TRUE(store->AddLinks(
      {{"snapshot_of", "snapshot", "/s/1", "container_id", "c", {}, "containerd"}}));
  ASSERT_TRUE(store->AddLinks(
      {{"snapshot_of", "snapshot", "/s/1", "container_id", "c", {}, "containerd"}}));
  ASSERT_TRUE(store->Finish());
  EXPECT_EQ(Column(*store, "SELECT count(*) FROM links WHERE kind = 'snapshot_of'"), Texts{"1"});
  const auto names = [&](const std::string& value) {
    Texts found;
    const Result<std::vector<NamedValue>> same = store->SameActor("actor", value);
    EXPECT_TRUE(same);
    for (const NamedValue& name : *same) {
      found.push_back(name.field + "=" + name.value);
    }
    return found;
  };
  EXPECT_EQ(names("ASIAEXAMPLE"),
            (Texts{"access_key_id=AKIAEXAMPLE", "access_key_id=ASIAEXAMPLE",
                   "user_arn=arn:aws:iam::123456789012:user/mallory", "user_name=mallory"}));
  const Texts of_arn = names("arn:one");
  EXPECT_EQ(of_arn, (Texts{"user_arn=arn:one", "user_name=admin"}));
}

TEST(Store, OnlyReadsForStatements) {
  const Folder folder;
  const auto store = Open(folder);
  ASSERT_TRUE(Source("k", {Make("s", "1", 1)}).Into(*store));
  for (const std::string statement :
       {"DELETE FROM stored_events", "CREATE TABLE x (a INTEGER)", "COPY events TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'", "SET threads=1", "SELECT 1; SELECT 2", "SELEC", "SELECT nothing",
        "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM '/etc/passwd'"}) {
    const Result<std::unique_ptr<Rows>> rows = store->Query(statement);
    EXPECT_FALSE(rows && (*rows)->Next()) << statement;
  }
  EXPECT_EQ(Column(*store, "SELECT count(*) FROM events"), Texts{"1"});
}

TEST(Store, KeepsARowWhoseTimeCannotBeStored) {
  const Folder folder;
  const auto store = Open(folder);
  ASSERT_TRUE(
      Source("k", {Make("s", "1", -62167219200), Make("s", "2", 883612800000)}).Into(*store));
  EXPECT_EQ(Column(*store, "SELECT time FROM events"), (Texts{"null", "null"}));
}

TEST(Store, RefusesWhatIsNoStore) {
  const Folder folder;
  EXPECT_EQ(Store::Open(folder.path(), Store::Access::kRead).error().code, ErrorCode::kNotFound);
  std::ofstream(folder.path() + "/events.duckdb") << "not a database";
  EXPECT_FALSE(Store::Open(folder.path(), Store::Access::kWrite));
}

TEST(Pack, RefusesPlacesThatHoldNoRecord) {
  const Folder folder;
  const auto pack = *Pack::Open(folder.path() + "/p", true, 0);
  const uint64_t frame = *pack->Append("hello records");
  EXPECT_EQ(*pack->Read(frame, 6, 7), "records");
  EXPECT_EQ(pack->Read(frame, 6, 8).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(pack->Read(frame + 3, 0, 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(pack->Read(1000000, 0, 1).error().code, ErrorCode::kCorrupt);
  // A frame that says it is larger than any of ours.
  const uint64_t large = *pack->Append(std::string(limits::kMaxPackFrameBytes + 1, 'x'));
  EXPECT_EQ(pack->Read(large, 0, 1).error().code, ErrorCode::kCorrupt);
}

TEST(KnownIds, KnowsWhatWentIn) {
  KnownIds known;
  for (uint64_t i = 1; i < 20000; ++i) ASSERT_TRUE(known.Insert({i * 977, i}));
  for (uint64_t i = 1; i < 20000; ++i) ASSERT_FALSE(known.Insert({i * 977, i}));
}

}  // namespace
}  // namespace ekshume::event
