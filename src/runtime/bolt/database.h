// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diagnostic.h"
#include "fs/filesystem.h"
#include "runtime/bolt/page.h"

namespace ekshume::runtime::bolt {

class Database;

// One item of a bucket; the views live as long as the Database.
struct Item {
  std::string_view key;
  std::string_view value;  // empty for a bucket
  bool is_bucket = false;
};

// A bucket of a Database, which must outlive it. Cheap to copy. Damage met on the way is reported
// and left out: what is returned is what could be read.
class Bucket {
 public:
  // The value of `key`; nothing when it is absent or a bucket.
  std::optional<std::string_view> Get(std::string_view key) const;
  // The bucket inside this one, or nothing.
  std::optional<Bucket> Child(std::string_view name) const;
  // The bucket at the end of a path of names, or nothing.
  std::optional<Bucket> Descend(std::initializer_list<std::string_view> names) const;
  // Every item in key order, until `visit` returns false.
  void ForEach(const std::function<bool(const Item&)>& visit) const;
  // Every bucket inside this one, in key order.
  void ForEachChild(const std::function<void(std::string_view name, const Bucket&)>& visit) const;

  // The counter that bolt keeps per bucket; it never goes down.
  uint64_t sequence() const { return sequence_; }
  // Where its tree begins; 0 for an inline bucket.
  uint64_t root_page() const { return root_page_; }

 private:
  friend class Database;
  Bucket(const Database* database, uint64_t root_page, const Page* inline_page, uint64_t sequence,
         int depth)
      : database_(database),
        root_page_(root_page),
        inline_page_(inline_page),
        sequence_(sequence),
        depth_(depth) {}

  const Element* Find(std::string_view key) const;
  std::optional<Bucket> Open(const Element& element) const;
  void ForEachElement(const std::function<bool(const Element&)>& visit) const;

  const Database* database_;
  uint64_t root_page_;
  const Page* inline_page_;  // owned by the database
  uint64_t sequence_;
  int depth_;
};

// The state that a valid meta page names.
struct State {
  uint64_t page_bytes = 0;
  uint64_t root = 0;
  uint64_t sequence = 0;
  uint64_t freelist = 0;
  uint64_t high_water = 0;  // pages at and above it were never used
  uint64_t transaction = 0;
};

// A bolt file, read page by page as it is needed; pages that were read stay in memory, at most
// limits::kMaxBoltBytes of them. Items visited in its lifetime are at most limits::kMaxBoltItems.
// One thread at a time.
class Database {
 public:
  // `name` is for diagnostics; `diagnostics` must outlive the Database. When the newest meta page
  // is torn or its root page unreadable, the other one is used (kBoltMetaDamaged). kCorrupt when
  // neither is valid.
  static Result<std::unique_ptr<Database>> Open(std::unique_ptr<fs::File> file, std::string name,
                                                DiagnosticSink& diagnostics);

  Bucket root() const { return RootOf(state_); }
  const State& state() const { return state_; }
  // The state before the last transaction, where its meta page is valid.
  const std::optional<State>& previous() const { return previous_; }
  Bucket RootOf(const State& state) const;
  // The bucket whose tree begins at a page that nothing may refer to (bolt/stale.h).
  Bucket BucketAt(uint64_t page_number) const { return {this, page_number, nullptr, 0, 0}; }
  const std::string& name() const { return name_; }
  uint64_t size_bytes() const { return file_->size_bytes(); }

  // The page with that number, or nothing (reported) when it cannot be read. Lives as long as the
  // database.
  const Page* GetPage(uint64_t page_number) const;
  // How many pages a page occupies that GetPage returned.
  uint64_t PageSpan(uint64_t page_number) const;
  // The page if it is a sound branch or leaf page of its own number, silently: for pages that
  // nothing refers to.
  std::unique_ptr<const Page> PeekPage(uint64_t page_number, std::string& storage) const;
  // Reports damage of this database.
  void Report(uint64_t page_number, std::string detail) const;
  // Reports that a limit (kRuntimeLimit) keeps something from being read.
  void ReportLimit(std::string detail) const;
  // False, with a report, when the limit on visited items is reached.
  bool CountItem() const;

 private:
  friend class Bucket;
  struct LoadedPage {
    std::string bytes;
    std::optional<Page> page;  // nothing when damaged
  };

  Database(std::unique_ptr<fs::File> file, std::string name, DiagnosticSink& diagnostics)
      : file_(std::move(file)), name_(std::move(name)), diagnostics_(diagnostics) {}

  Result<void> ChooseState();
  Result<State> ReadMeta(uint64_t offset_bytes) const;
  Result<std::string> ReadBytes(uint64_t offset_bytes, uint64_t length) const;
  // The page's bytes with its overflow, its number checked.
  Result<std::string> ReadPage(uint64_t page_number) const;
  const Page* InlinePage(ByteView bytes) const;

  std::unique_ptr<fs::File> file_;
  std::string name_;
  DiagnosticSink& diagnostics_;
  State state_;
  std::optional<State> previous_;
  mutable std::unordered_map<uint64_t, LoadedPage> pages_;
  mutable std::unordered_map<const std::byte*, Page> inline_pages_;
  mutable size_t loaded_bytes_ = 0;
  mutable size_t items_ = 0;
};

}  // namespace ekshume::runtime::bolt
