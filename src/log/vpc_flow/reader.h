// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// VPC flow logs as text: one line is what went between two addresses in one direction in some
// minutes. Fields and their order are the user's choice and stand in the first line of objects in
// S3; CloudWatch has no such line, and without one the default format (version 2) is assumed.
// Fields: Amazon VPC user guide, "Flow log records".
//
// Addresses are those of the packets (pkt-srcaddr), which are a pod's behind a node or a NAT
// gateway; where the interface saw others, tags hold them.
namespace ekshume::log::vpc_flow {

const Format& VpcFlowFormat();

}  // namespace ekshume::log::vpc_flow
