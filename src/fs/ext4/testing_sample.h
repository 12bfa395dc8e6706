// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/ext4/ext4.h"
#include "fs/testing_sample.h"

// The samples of tests/data/ext4.
namespace ekshume::fs::ext4::testing {

using fs::testing::Describe;
using fs::testing::DescribeNode;
using fs::testing::ReadAll;
using fs::testing::ReadEverything;
using fs::testing::TestImage;

inline std::string LoadSample(const std::string& name) {
  return fs::testing::LoadSample("ext4", name);
}
inline const std::string& SampleBytes(const std::string& name) {
  return fs::testing::SampleBytes("ext4", name);
}

inline Result<std::unique_ptr<Filesystem>> OpenExt4(const image::Image& device,
                                                    DiagnosticSink& sink, bool raw = false,
                                                    bool force = false) {
  return kExt4Format.open(device, {.diagnostics = &sink, .raw = raw, .force = force});
}

}  // namespace ekshume::fs::ext4::testing
