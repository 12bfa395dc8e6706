// SPDX-License-Identifier: Apache-2.0
#include "casefile/running/ingest_live.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "casefile/ingest_feed.h"
#include "casefile/process_owners.h"
#include "casefile/running/bundle_records.h"
#include "casefile/running/state_rows.h"

namespace ekshume::casefile {
namespace {

// What makes it the same evidence again.
std::string KeyOf(const LiveEvidence& live) {
  std::error_code error;
  const std::filesystem::path path(live.path);
  const auto modified = std::filesystem::last_write_time(path, error);
  const uint64_t size =
      std::filesystem::is_regular_file(path, error) ? std::filesystem::file_size(path, error) : 0;
  std::string key = fmt::format("live\n{}:{}:{}:{}", live.state.format, live.name, size,
                                modified.time_since_epoch().count());
  // With a further part it is other evidence.
  if (live.parts.size() > 1) key += fmt::format("\nparts {}", live.parts.size());
  return key;
}

// What the processes say of who belongs to whom.
std::vector<event::Link> LinksOf(const LiveEvidence& live, const ProcessOwners& owners) {
  std::vector<event::Link> links;
  std::set<std::string> seen;
  for (const process::Process& one : live.state.processes) {
    if (one.container_id.empty() || !seen.insert(one.container_id).second) continue;
    const ProcessOwner owner = owners.Of(live.state, one);
    if (owner.pod_uid.empty()) continue;
    links.push_back({"container_of", "container_id", one.container_id, "pod_uid", owner.pod_uid,
                     live.state.taken, live.state.format});
    if (!owner.pod.empty()) {
      links.push_back({"pod_of", "pod_uid", owner.pod_uid, "pod", owner.pod, live.state.taken,
                       live.state.format});
    }
    if (!owner.node.empty()) {
      links.push_back({"node_of", "pod_uid", owner.pod_uid, "node", owner.node, live.state.taken,
                       live.state.format});
    }
  }
  return links;
}

}  // namespace

Result<IngestSummary> IngestLive(const Evidence& evidence, const runtime::Inventory& inventory,
                                 event::Store& store, DiagnosticSink& diagnostics,
                                 Progress& progress) {
  IngestSummary summary;
  if (evidence.live().empty()) return summary;
  std::vector<const LiveEvidence*> fresh;
  for (const auto& live : evidence.live()) {
    if (store.FindItem(KeyOf(*live))) {
      summary.known.push_back(live->name);
    } else {
      fresh.push_back(live.get());
    }
  }
  if (fresh.empty()) return summary;
  progress.SetStage("reading processes and sockets");
  const ProcessOwners owners(inventory);
  IngestFeed feed(
      [&](IngestFeed& self) -> Result<void> {
        for (const LiveEvidence* live : fresh) {
          event::Item item;
          item.key = KeyOf(*live);
          item.name = live->name;
          const uint32_t number = self.Begin(std::move(item));
          EKSHUME_TRY(AddStateRows(*live, owners, self, number));
          EKSHUME_TRY(AddBundleRecords(*live, owners.NodeOf(live->state), self, number));
        }
        return {};
      },
      diagnostics, progress);
  feed.Start();
  Result<void> stored = store.Ingest(feed, [&]() -> Result<std::vector<event::Item>> {
    EKSHUME_TRY(feed.Join());
    summary.items = feed.Items();
    return summary.items;
  });
  static_cast<void>(feed.Join());
  EKSHUME_TRY(std::move(stored));
  for (const auto& live : evidence.live()) {
    EKSHUME_TRY(store.AddLinks(LinksOf(*live, owners)));
  }
  return summary;
}

}  // namespace ekshume::casefile
