// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "casefile/json.h"
#include "casefile/report/document.h"

namespace ekshume::casefile::report {

// A case's report.json and its custody records (JSON texts, oldest first) as a document: verdict,
// incidents with their acts and pictures, ATT&CK, findings with their evidence, what the evidence
// could show, the evidence, the custody record, diagnostics. Members that are missing or are of
// another type than they should be leave out what they would say. Long lists end with how many more
// there are.
Document MakeDocument(const Json& report, const std::vector<std::string>& custody,
                      const std::string& case_name);

}  // namespace ekshume::casefile::report
