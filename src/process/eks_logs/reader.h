// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/format.h"

namespace ekshume::process::eks_logs {

// What the log collector of the EKS AMI packs on a node: docs/formats/bundles.md.
const Format& EksLogsFormat();

}  // namespace ekshume::process::eks_logs
