// SPDX-License-Identifier: Apache-2.0
#include "server/case_service.h"

#include "casefile/custody.h"
#include "casefile/search/event_search.h"

namespace ekshume::server {

using casefile::Json;

Result<std::unique_ptr<CaseService>> CaseService::Open(const std::string& directory,
                                                       casefile::RemoteEvidence* remote) {
  if (!casefile::Case::IsCase(directory)) {
    return Fail(ErrorCode::kNotFound, directory +
                                          " is no case; `ekshume investigate EVIDENCE "
                                          "--case " +
                                          directory + "` makes one");
  }
  std::unique_ptr<CaseService> service(new CaseService());
  service->case_ = EKSHUME_TRY(casefile::Case::Open(directory));
  service->annotations_ = EKSHUME_TRY(casefile::Annotations::Open(*service->case_));
  service->files_ = std::make_unique<FileViews>(*service->case_, remote);
  service->selections_ = std::make_unique<Selections>(directory);
  service->selections_->Start();
  service->report_ = Json::object();
  if (const Result<std::string> text = service->case_->Report()) {
    service->report_ = Json::parse(*text, nullptr, false);
    if (!service->report_.is_object()) {
      return Fail(ErrorCode::kCorrupt, directory + "/report.json is no report of ekshume");
    }
  } else if (text.error().code != ErrorCode::kNotFound) {
    return text.error();
  }
  return service;
}

Result<CaseService::Lease> CaseService::Events(Use use) {
  Slot& slot = use == Use::kRows ? rows_ : counts_;
  Lease lease{std::unique_lock(slot.mutex), nullptr};
  if (!slot.store) slot.store = EKSHUME_TRY(casefile::OpenEvents(case_->directory()));
  lease.store = slot.store.get();
  return lease;
}

Result<void> CaseService::Record(const std::string& action, const std::string& analyst,
                                 const Json& change) {
  casefile::CustodyEntry entry;
  entry.action = action;
  return casefile::RecordCustody(*case_, entry, {analyst, change});
}

}  // namespace ekshume::server
