// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/testing_sample.h"
#include "fs/xfs/xfs.h"

// The samples of tests/data/xfs.
namespace ekshume::fs::xfs::testing {

using fs::testing::Describe;
using fs::testing::DescribeNode;
using fs::testing::ReadAll;
using fs::testing::ReadEverything;
using fs::testing::TestImage;

inline std::string LoadSample(const std::string& name) {
  return fs::testing::LoadSample("xfs", name);
}
inline const std::string& SampleBytes(const std::string& name) {
  return fs::testing::SampleBytes("xfs", name);
}

inline Result<std::unique_ptr<Filesystem>> OpenXfs(const image::Image& device, DiagnosticSink& sink,
                                                   bool raw = false, bool force = false) {
  return kXfsFormat.open(device, {.diagnostics = &sink, .raw = raw, .force = force});
}

}  // namespace ekshume::fs::xfs::testing
