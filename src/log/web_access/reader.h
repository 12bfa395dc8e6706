// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Access logs of web servers and load balancers, one request a line: the Common and the Combined
// Log Format (Apache HTTP Server documentation, "Log Files"; nginx and ingress-nginx, which append
// fields), and those of AWS's Classic, Application and Network Load Balancers (Elastic Load
// Balancing user guides, "Access logs"). Everything in quotes is chosen by the client.
namespace ekshume::log::web_access {

const Format& WebAccessFormat();

}  // namespace ekshume::log::web_access
