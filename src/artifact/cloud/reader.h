// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// What came onto a machine through its cloud: cloud-init's instance data, user data, scripts and
// the commands that it ran (canonical/cloud-init), and the commands and shell sessions of the
// Systems Manager agent (aws/amazon-ssm-agent) with what they printed.
namespace ekshume::artifact::cloud {

// Of user data, scripts and outputs the raw record is the beginning.
const Format& CloudFormat();

}  // namespace ekshume::artifact::cloud
