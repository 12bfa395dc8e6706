// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/endian.h"

// What containerd keeps below its root (/var/lib/containerd as a rule). Names are those of
// containerd's sources: core/metadata/buckets.go, core/snapshots/storage/bolt.go,
// internal/cri/store, docs/ops.md. Versions 1.6 to 2.4 write these.
namespace ekshume::runtime::containerd {

// Files and directories below the root.
inline constexpr std::string_view kPluginPrefix = "io.containerd.";
inline constexpr std::string_view kMetadataPath = "io.containerd.metadata.v1.bolt/meta.db";
inline constexpr std::string_view kBlobsPath = "io.containerd.content.v1.content/blobs";
inline constexpr std::string_view kSnapshotterPrefix = "io.containerd.snapshotter.v1.";
inline constexpr std::string_view kTasksPath = "io.containerd.runtime.v2.task";
inline constexpr std::string_view kCriPath = "io.containerd.grpc.v1.cri";
// Below a snapshotter's root.
inline constexpr std::string_view kSnapshotterDatabase = "metadata.db";
inline constexpr std::string_view kSnapshotsDirectory = "snapshots";

// meta.db (buckets.go). v1/<namespace>/...
inline constexpr std::string_view kSchemaVersion = "v1";
inline constexpr std::string_view kBucketVersion = "version";  // varint in v1: 3 to 1.7, 4 from 2.0
inline constexpr int64_t kNewestKnownVersion = 4;
inline constexpr std::string_view kBucketLabels = "labels";
inline constexpr std::string_view kBucketImages = "images";  // called "image" in its own comment
inline constexpr std::string_view kBucketContainers = "containers";
inline constexpr std::string_view kBucketSnapshots = "snapshots";
inline constexpr std::string_view kBucketSandboxes = "sandboxes";  // 1.7: at <namespace>/sandboxes
inline constexpr std::string_view kBucketTarget = "target";
inline constexpr std::string_view kBucketRuntime = "runtime";
inline constexpr std::string_view kBucketExtensions = "extensions";
inline constexpr std::string_view kKeyCreatedAt = "createdat";
inline constexpr std::string_view kKeyUpdatedAt = "updatedat";
inline constexpr std::string_view kKeyDigest = "digest";
inline constexpr std::string_view kKeyMediaType = "mediatype";
inline constexpr std::string_view kKeySize = "size";
inline constexpr std::string_view kKeyImage = "image";
inline constexpr std::string_view kKeySnapshotter = "snapshotter";
inline constexpr std::string_view kKeySnapshotKey = "snapshotKey";
inline constexpr std::string_view kKeySandboxId = "sandboxid";
inline constexpr std::string_view kKeySpec = "spec";
inline constexpr std::string_view kKeyName = "name";
inline constexpr std::string_view kKeyParent = "parent";

// A snapshotter's metadata.db (storage/bolt.go). v1/snapshots/<name>, the name being
// "<namespace>/<sequence>/<key>".
inline constexpr std::string_view kKeyId = "id";      // uvarint: the directory's name
inline constexpr std::string_view kKeyKind = "kind";  // one byte
inline constexpr char kKindView = 1;
inline constexpr char kKindActive = 2;
inline constexpr char kKindCommitted = 3;

// Extensions of the CRI plugin: JSON {"Version":"v1","Metadata":{...}} in an Any.
inline constexpr std::string_view kCriContainerExtension = "io.cri-containerd.container.metadata";
inline constexpr std::string_view kCriSandboxExtension = "io.cri-containerd.sandbox.metadata";
inline constexpr std::string_view kSandboxMetadataExtension = "metadata";  // in `sandboxes`, 2.x

// Go's time.Time.MarshalBinary, version 1 (2 has one more byte, the offset's seconds).
struct GoTime {
  unsigned char version;
  be64 seconds;  // since 0001-01-01T00:00:00Z
  be32 nanoseconds;
  be16 offset_minutes;  // -1 for UTC; tells only how to print it
};
static_assert(sizeof(GoTime) == 15 && offsetof(GoTime, offset_minutes) == 13);
inline constexpr int64_t kGoToUnixSeconds = -62135596800;

// google.protobuf.Any: field 1 type_url (string), field 2 value (bytes); both wire type 2.
inline constexpr uint32_t kAnyTypeUrl = 1;
inline constexpr uint32_t kAnyValue = 2;

}  // namespace ekshume::runtime::containerd
