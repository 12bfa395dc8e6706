// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/findings.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "live/aws/json_calls.h"
#include "live/wire/page_count.h"

namespace ekshume::live::cloud {
namespace {

using wire::Json;

constexpr size_t kFindingsOfOneCall = 50;  // GetFindings takes no more

Result<void> OfDetector(const aws::Client& client, const std::string& detector,
                        const Json& criteria, const std::function<Result<void>(const Json&)>& take,
                        const Progress& progress, aws::ServiceError* failure) {
  const std::string path = fmt::format("/detector/{}/findings", detector);
  Json body = {{"findingCriteria", {{"criterion", criteria}}},
               {"maxResults", kFindingsOfOneCall},
               {"sortCriteria", {{"attributeName", "updatedAt"}, {"orderBy", "ASC"}}}};
  for (wire::PageCount pages("guardduty:ListFindings");;) {
    EKSHUME_TRY(pages.Another());
    if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
    const Json list =
        EKSHUME_TRY(aws::CallGuardDuty(client, "ListFindings", path, {}, body, failure));
    const Json& ids = wire::ArrayOf(list, "findingIds");
    if (!ids.empty()) {
      const Json found = EKSHUME_TRY(aws::CallGuardDuty(client, "GetFindings", path + "/get", {},
                                                        {{"findingIds", ids}}, failure));
      for (const Json& finding : wire::ArrayOf(found, "findings")) EKSHUME_TRY(take(finding));
    }
    const std::string next = wire::TextOf(list, "nextToken");
    if (next.empty() || next == wire::TextOf(body, "nextToken")) return {};
    body["nextToken"] = next;
  }
}

}  // namespace

Result<void> ForEachFinding(const aws::Client& client, const TimeRange& range, double min_severity,
                            const std::function<Result<void>(const Json&)>& take,
                            const Progress& progress, aws::ServiceError* failure) {
  const Json detectors =
      EKSHUME_TRY(aws::CallGuardDuty(client, "ListDetectors", "/detector", {}, Json(), failure));
  Json criteria = {{"updatedAt",
                    {{"greaterThanOrEqual", Milliseconds(range.start)},
                     {"lessThanOrEqual", Milliseconds(range.end)}}}};
  if (min_severity > 0) criteria["severity"] = {{"greaterThanOrEqual", min_severity}};
  for (const Json& detector : wire::ArrayOf(detectors, "detectorIds")) {
    if (!detector.is_string()) continue;
    EKSHUME_TRY(OfDetector(client, detector.get<std::string>(), criteria, take, progress, failure));
  }
  return {};
}

}  // namespace ekshume::live::cloud
