// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/recover.h"

#include <map>
#include <memory>

#include "runtime/bolt/stale.h"
#include "runtime/containerd/cri.h"
#include "runtime/containerd/decode.h"
#include "runtime/containerd/format.h"
#include "runtime/open_database.h"

namespace ekshume::runtime::containerd {
namespace {

// The values that a record of a container has and no other bucket has together. The specification
// is so large that a record is two leaf pages below a branch page, as a rule; the first leaf alone
// still tells most.
bool IsContainerRecord(const bolt::Bucket& bucket) {
  return bucket.Get(kKeyCreatedAt) && bucket.Get(kKeyImage) && bucket.Get(kKeySnapshotKey);
}

}  // namespace

std::vector<RecoveredContainer> RecoverContainers(const Location& metadata_file,
                                                  const Location& store,
                                                  const std::set<std::string>& known) {
  // What a stale page refers to may have been overwritten: such damage is expected and no loss.
  DiagnosticSink quiet;
  const auto database = OpenDatabase(metadata_file, quiet);
  if (database == nullptr) return {};
  std::map<std::string, std::pair<Timestamp, RecoveredContainer>> newest;
  for (const uint64_t page : bolt::StalePages(*database)) {
    const bolt::Bucket bucket = database->BucketAt(page);
    if (!IsContainerRecord(bucket)) continue;
    // The id is on the page above; the CRI plugin, Docker and nerdctl give the snapshot the same.
    const std::string id = TextAt(bucket, kKeySnapshotKey);
    if (!IsHex64(id) || known.contains(id)) continue;
    RecoveredContainer found;
    found.container = ReadContainerRecord(id, "", store, bucket, found.reference, quiet);
    // The namespace is on the page above as well; pods are in the kubelet's.
    if (found.container.pod) found.container.runtime_namespace = "k8s.io";
    found.container.recovered = "database page";
    ReadContainerState({}, found.container, quiet);
    const Timestamp updated = TimeAt(bucket, kKeyUpdatedAt).value_or(Timestamp{});
    const auto [at, is_new] = newest.try_emplace(id, updated, found);
    // A part of a record has no time of its last change.
    if (!is_new && at->second.first < updated) at->second = {updated, std::move(found)};
  }
  std::vector<RecoveredContainer> containers;
  for (auto& [id, found] : newest) containers.push_back(std::move(found.second));
  return containers;
}

std::vector<Container> RecoverFromCriFolders(const Location& store,
                                             const std::set<std::string>& known,
                                             DiagnosticSink& diagnostics) {
  std::vector<Container> recovered;
  const Location cri = Below(store, kCriPath);
  for (const std::string_view folder : {"containers", "sandboxes"}) {
    for (const auto& entry : List(Below(cri, folder), diagnostics)) {
      if (!IsHex64(entry.name) || known.contains(entry.name)) continue;
      Container container{.id = entry.name,
                          .name = "",
                          .runtime = "containerd",
                          .runtime_namespace = "k8s.io",
                          .recovered = "runtime folder",
                          .store = store};
      if (folder == "sandboxes") {
        container.kind = ContainerKind::kSandbox;
        container.sandbox = entry.name;
        container.hostname =
            ReadWord(Below(cri, "sandboxes/" + entry.name + "/hostname"), diagnostics);
      } else {
        ReadCriStatus(cri, container, diagnostics);
      }
      recovered.push_back(std::move(container));
    }
  }
  return recovered;
}

}  // namespace ekshume::runtime::containerd
