// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Route 53 Resolver query logs: one JSON object is one DNS query of a VPC, with its answers.
// Fields: Amazon Route 53 developer guide, "Values that appear in VPC Resolver query logs". The
// address is that of the node or of a DNS pod (CoreDNS), not of the pod that asked.
namespace ekshume::log::resolver {

const Format& ResolverFormat();

}  // namespace ekshume::log::resolver
