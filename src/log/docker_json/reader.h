// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// What containers print, as Docker's json-file driver keeps it
// (/var/lib/docker/containers/<id>/<id>-json.log):
//   {"log":"text\n","stream":"stdout","time":"2019-04-01T17:58:33.598656444Z"}
// A line longer than 16 KiB comes in parts that do not end in \n. Which container it is stands in
// the path only: see Stream::defaults.
namespace ekshume::log::docker_json {

const Format& DockerJsonFormat();

}  // namespace ekshume::log::docker_json
