// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Every bound on what evidence can make ekshume do. Evidence that reaches one yields a diagnostic
// with the limit's name, never a hang, an abort or an unbounded allocation. Each has a test.
namespace ekshume::limits {

// image
inline constexpr size_t kCacheBlockBytes = size_t{64} << 10;          // unit of the block cache
inline constexpr size_t kCacheBytes = size_t{8} << 20;                // block cache per image
inline constexpr size_t kFetchedCacheBytes = size_t{64} << 20;        // blocks of a remote snapshot
inline constexpr size_t kMaxSplitSegments = 10000;                    // .001, .002, ...
inline constexpr size_t kMaxOpenSegments = 256;                       // kept open at a time
inline constexpr uint64_t kMaxIndexTableBytes = uint64_t{128} << 20;  // table of an index file
inline constexpr uint64_t kMaxDecodedBytes = uint64_t{1} << 44;  // a compressed image's content
inline constexpr uint64_t kMaxStoreExpansion = 2000;  // kept bytes per stored byte of an image
inline constexpr uint64_t kMaxUnreadableBytes = uint64_t{64} << 30;   // skipped in damaged frames
inline constexpr uint64_t kMaxZstdWindowBytes = uint64_t{512} << 20;  // what --long=29 needs
inline constexpr uint64_t kMaxZstdFrameBytes = uint64_t{32} << 20;    // frames decoded one by one
inline constexpr size_t kMaxZstdFrames = size_t{1} << 20;
inline constexpr size_t kMaxGzipHeaderBytes = size_t{128} << 10;   // names, comments, extra fields
inline constexpr uint64_t kMaxGzipSpanBytes = uint64_t{16} << 20;  // content between two points
inline constexpr size_t kMaxGzipPoints = size_t{2} << 20;  // places where decoding can start
inline constexpr size_t kMaxZeroRuns = size_t{1} << 20;    // zero stretches remembered

// volume
inline constexpr size_t kMaxPartitions = 1024;                    // GPT entries listed
inline constexpr uint64_t kMaxGptTableBytes = uint64_t{4} << 20;  // one copy of a GPT's table
inline constexpr size_t kMaxExtendedChain = 128;                  // MBR logical partitions

// fs
inline constexpr size_t kMaxSymlinkTargetBytes = 4096;           // PATH_MAX
inline constexpr int kMaxSymlinkHops = 40;                       // as the kernel's MAXSYMLINKS
inline constexpr int kMaxDirectoryDepth = 2048;                  // path components below a root
inline constexpr size_t kMaxXattrValueBytes = size_t{64} << 10;  // XATTR_SIZE_MAX
inline constexpr size_t kMaxXattrsPerNode = 4096;
inline constexpr size_t kMaxExtentsPerFile = size_t{4} << 20;      // runs kept for one file
inline constexpr int kMaxTreeDepth = 12;                           // levels of any on-disk B+tree
inline constexpr size_t kMaxOrphans = 1000000;                     // deleted-but-open inodes listed
inline constexpr uint64_t kMaxJournalBytes = uint64_t{4} << 30;    // log or journal replayed
inline constexpr size_t kMaxReplayBytes = size_t{192} << 20;       // patched blocks kept in memory
inline constexpr uint64_t kMaxExt4Groups = uint64_t{4} << 20;      // block groups of one ext4
inline constexpr uint64_t kMaxDirectoryBytes = uint64_t{8} << 30;  // blocks read of one directory
inline constexpr size_t kMaxXattrBytesPerNode = size_t{64} << 20;  // values of one node together
inline constexpr size_t kMaxFastCommitBytes = size_t{64} << 20;    // ext4's fast-commit area
inline constexpr size_t kMaxPendingLogTransactions = 4096;         // XFS log: begun, not committed
inline constexpr size_t kMaxLogIntents = 100000;                   // XFS log: begun, not done
inline constexpr size_t kMaxLogIntentBytes = size_t{64} << 20;     // XFS log: kept of those
inline constexpr size_t kMaxLogIntentExtents = size_t{2} << 20;  // XFS log: read or moved by those
inline constexpr size_t kMaxLogOwnerChanges = 200000;            // XFS log: tree blocks renamed
inline constexpr uint64_t kMaxSuperblockScanBytes = uint64_t{4} << 30;  // for a lost superblock
inline constexpr uint32_t kMaxAllocationGroups = uint32_t{1} << 20;     // walked for deleted files
inline constexpr size_t kMaxFolderNodes = size_t{8} << 20;  // names of a folder given as evidence
inline constexpr size_t kMaxOverlayNodes = 8000000;         // names met in one union
inline constexpr int64_t kMaxRedirectLookups = 20000000;    // steps of redirects, per union

// runtime
inline constexpr size_t kMaxDocumentBytes = size_t{32} << 20;  // one JSON document from a store
inline constexpr size_t kMaxBoltBytes = size_t{256} << 20;     // a bolt file read
inline constexpr int kMaxBoltDepth = 64;                       // nested buckets and branch levels
inline constexpr size_t kMaxBoltItems = 10000000;              // items visited in one walk
inline constexpr int kMaxLayers = 500;  // layers in one chain (overlay's own limit)
inline constexpr size_t kMaxContainers = 100000;
inline constexpr int kMaxDocumentDepth = 200;             // nesting of a JSON or YAML document
inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;  // a manifest, a kubeconfig
inline constexpr size_t kMaxYamlNodes = 100000;           // in one such file, aliases counted again
inline constexpr size_t kMaxSmallFileBytes = size_t{64} << 10;  // hostname, etc-hosts, a unit file
inline constexpr size_t kMaxSearchedDirectories = 4096;  // per filesystem, for stores in odd places
inline constexpr int kMaxSearchDepth = 8;                // path components of such a search
inline constexpr size_t kMaxStoresPerNode = 256;         // container stores read
inline constexpr size_t kMaxSnapshots = 1000000;         // of one store

// event
inline constexpr size_t kMaxPackFrameBytes = size_t{64} << 20;  // raw records of one batch
inline constexpr size_t kMaxBatchBytes = size_t{1} << 20;   // of one read; one record may be larger
inline constexpr size_t kMaxQueryBytes = size_t{64} << 10;  // text of one search
inline constexpr size_t kMaxQueryTerms = 4096;              // of one search
inline constexpr int kMaxQueryDepth = 64;                   // parentheses in each other

// log
inline constexpr size_t kMaxRecordBytes = size_t{16} << 20;  // one log record
inline constexpr uint64_t kMaxUnpackRatio = 20000;           // unpacked per stored byte of an item
inline constexpr uint64_t kMinUnpackedBytes = uint64_t{1} << 30;  // allowed whatever the ratio
inline constexpr int kMaxCarrierDepth = 8;                        // gzip in tar in zip ...
inline constexpr int kMaxEnvelopeDepth = 6;  // a record in a message in an envelope ...
inline constexpr size_t kMaxZipInMemoryBytes = size_t{256} << 20;  // larger ones are read once
inline constexpr size_t kMaxArchiveMembers = 4000000;
inline constexpr int kMaxJsonDepth = 512;      // nesting of one record
inline constexpr size_t kMaxArguments = 4096;  // of one command line

// artifact
inline constexpr size_t kMaxArtifactBytes = size_t{64} << 20;  // one file read whole
inline constexpr size_t kMaxArtifactFiles = 100000;            // files of one artifact
inline constexpr size_t kMaxArtifactEvents = 20000000;         // events of one artifact and view
inline constexpr size_t kMaxHomes = 4096;                      // home directories searched
inline constexpr uint64_t kMaxJournalFileBytes = uint64_t{4} << 30;  // a file of systemd's journal

// detect
inline constexpr size_t kMaxRuleFileBytes = size_t{1} << 20;     // one file of rules
inline constexpr size_t kMaxRuleFiles = 200000;                  // of one folder
inline constexpr int kMaxRuleDepth = 40;                         // nesting of a rule, its condition
inline constexpr size_t kMaxRuleNodes = 100000;                  // YAML of one file, aliases again
inline constexpr size_t kMaxRulePatterns = 20000;                // of one rule, after its modifiers
inline constexpr int64_t kMaxRuleRegexBytes = int64_t{4} << 20;  // of one regular expression
inline constexpr size_t kMaxCorrelatedEvents = 200000;           // kept for one correlation
inline constexpr size_t kMaxFindingEvents = 100;                 // ids named by one finding
inline constexpr size_t kMaxFindings = 200000;                   // of one hunt
inline constexpr size_t kMaxYaraFileBytes = size_t{16} << 20;    // one file of YARA rules
inline constexpr int kMaxYaraSeconds = 60;                       // all rules over one file
inline constexpr uint64_t kMaxScannedFileBytes = uint64_t{256} << 20;  // of one file
inline constexpr size_t kMaxIndicatorFileBytes = size_t{256} << 20;    // one list
inline constexpr size_t kMaxIndicators = 5000000;                      // of all lists
inline constexpr size_t kMaxIncidents = 1000;                          // of one case
inline constexpr size_t kMaxGraphNodes = 2000;                         // of one incident
inline constexpr size_t kMaxToldFindings = 20000;                      // joined into incidents
inline constexpr size_t kMaxToldEvents = 200000;                       // read for them
inline constexpr size_t kMaxToldActors = 1000;                         // whose names are looked up
inline constexpr size_t kMaxActorNames = 1000;   // of one; each token of a service account is one
inline constexpr size_t kMaxToldValues = 10000;  // pods, keys, addresses in one question
inline constexpr size_t kMaxActs = 2000;         // told of one incident
inline constexpr size_t kMaxActEvents = 100;     // ids named by one act
inline constexpr size_t kMaxActFindings = 100;   // ids named by one act

// casefile
inline constexpr uint64_t kMaxHashedHoleBytes = uint64_t{16}
                                                << 30;  // zeros hashed for the holes of one file
inline constexpr size_t kMaxGlancedMembers = 2000;      // of an archive, to tell what it is
inline constexpr uint64_t kMaxGlancedBytes = uint64_t{256} << 20;  // the same
inline constexpr size_t kMaxFilesBesideAPart = 20000;  // looked at for a collection's other parts

// collection: what the collector wrote, and archives like it
inline constexpr uint64_t kMaxStreamFrameBytes = uint64_t{16} << 20;  // one frame, unpacked
inline constexpr size_t kMaxCollectionMembers = 4000000;              // of one archive
inline constexpr size_t kMaxCollectionTableBytes = size_t{1} << 30;   // one table of processes, ...
inline constexpr size_t kMaxProcesses = 4194304;                      // of one node: pid_max
inline constexpr size_t kMaxSockets = 4000000;                        // of one node
inline constexpr size_t kMaxMemoryRegions = 1000000;                  // of one process

// live: what services answer
inline constexpr size_t kMaxAnswerBytes = size_t{256} << 20;  // one answer kept in memory
inline constexpr size_t kMaxAnswerPages = 1000000;            // pages of one list

// output
inline constexpr size_t kMaxDiagnosticsPerCode = 100;  // further ones are only counted

}  // namespace ekshume::limits
