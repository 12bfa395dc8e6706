// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// What one request, one connection and one answer may cost.
namespace ekshume::server::limits {

// Connections at a time, each with a thread of its own; further ones wait.
inline constexpr size_t kMostConnections = 512;
// A whole request, head and body, must have come within this time, however slowly it drips.
inline constexpr std::chrono::seconds kRequestTime{10};
// How long a connection may lie idle between two requests.
inline constexpr std::chrono::seconds kIdleTime{5};
// How long the other side may take no byte of an answer.
inline constexpr std::chrono::seconds kWriteTime{30};
inline constexpr size_t kMostRequestsPerConnection = 1000;
inline constexpr size_t kMostHeadBytes = size_t{64} << 10;
inline constexpr size_t kMostBodyBytes = size_t{1} << 20;

inline constexpr size_t kMostSessions = 64;
// A session ends after that time, whatever is done in it: a day's work.
inline constexpr std::chrono::hours kSessionTime{12};
inline constexpr size_t kMostNameBytes = 64;
inline constexpr size_t kLeastPasswordBytes = 12;
inline constexpr size_t kMostPasswordBytes = 1024;
// After so many wrong passwords in a row a name has to wait.
inline constexpr int kMostWrongPasswords = 10;
inline constexpr std::chrono::seconds kWaitAfterWrongPasswords{30};
inline constexpr size_t kMostOpenTokens = 16;
inline constexpr size_t kMostListeners = 64;  // of server-sent events
inline constexpr size_t kKeptMessages = 1000;

// How long a job waits until nobody reads the events of the case any more.
inline constexpr std::chrono::seconds kLettingGoTime{30};
// A job that was asked to stop and may be killed gets this time to stop by itself, twice.
inline constexpr std::chrono::seconds kStoppingTime{10};
inline constexpr size_t kKeptJobLines = 200;  // of what a job said, the newest
inline constexpr size_t kMostJobLineBytes = 2000;
inline constexpr size_t kMostJobEvidence = 100;      // paths of one ingest
inline constexpr size_t kMostFolderRows = 2000;      // of files to choose from, in one answer
inline constexpr size_t kMostFolderEntries = 50000;  // looked at for one answer

inline constexpr size_t kMostRows = 1000;         // of events in one answer
inline constexpr size_t kMostFacetColumns = 24;   // in one answer
inline constexpr size_t kMostFacetValues = 200;   // of each column
inline constexpr uint64_t kIndexBars = 4096;      // of a query's rows over time
inline constexpr uint64_t kRowsOfStretch = 4096;  // more are cut into several
inline constexpr uint64_t kLeastStretches = 256;  // of very many rows
inline constexpr uint64_t kRowsPerSample = 256;   // one in so many says where to cut
inline constexpr size_t kMostCuts = 2048;
inline constexpr size_t kKeptSelections = 16;
inline constexpr std::chrono::seconds kReadAfter{3};          // events into memory
inline constexpr size_t kMostListedValues = 64;               // of a column, instead of a search
inline constexpr size_t kMostDirectoryRows = 2000;            // in one answer
inline constexpr size_t kMostContentBytes = size_t{1} << 20;  // in one answer
inline constexpr size_t kMostPictureBytes = size_t{8} << 20;  // of a file that is drawn
inline constexpr uint64_t kMostPicturePixels = 50'000'000;    // that it declares
inline constexpr uint64_t kMostArchivedBytes = uint64_t{2} << 30;
inline constexpr size_t kMostArchivePasswordBytes = 128;
inline constexpr size_t kMostStringsBytes = size_t{8} << 20;  // read for one answer
inline constexpr size_t kMostStrings = 5000;
inline constexpr size_t kKeptViews = 8;  // containers and images that stay open
inline constexpr uint64_t kMostExportBytes = uint64_t{8} << 30;

}  // namespace ekshume::server::limits
