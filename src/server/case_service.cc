// SPDX-License-Identifier: Apache-2.0
#include "server/case_service.h"

#include <chrono>
#include <thread>

#include "casefile/custody.h"
#include "casefile/search/event_search.h"
#include "server/limits.h"

namespace ekshume::server {

using casefile::Json;

namespace {

Result<std::shared_ptr<const Json>> ReadReport(const casefile::Case& opened) {
  const Result<std::string> text = opened.Report();
  if (!text && text.error().code != ErrorCode::kNotFound) return text.error();
  Json report = text ? Json::parse(*text, nullptr, false) : Json::object();
  if (!report.is_object()) {
    return Fail(ErrorCode::kCorrupt, opened.directory() + "/report.json is no report of ekshume");
  }
  return std::make_shared<const Json>(std::move(report));
}

}  // namespace

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
  service->report_ = EKSHUME_TRY(ReadReport(*service->case_));
  service->evidence_paths_ = service->case_->evidence_paths();
  service->selections_->Start();
  return service;
}

std::shared_ptr<const Json> CaseService::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

std::vector<std::string> CaseService::evidence_paths() const {
  const std::lock_guard lock(mutex_);
  return evidence_paths_;
}

Result<void> CaseService::LetGo() {
  is_let_go_ = true;  // from here on nobody else begins
  selections_->Stop();
  const auto deadline = std::chrono::steady_clock::now() + limits::kLettingGoTime;
  for (Slot* slot : {&rows_, &counts_}) {
    std::unique_lock lock(slot->mutex, std::try_to_lock);
    while (!lock.owns_lock()) {
      if (std::chrono::steady_clock::now() > deadline) {
        selections_->Start();
        is_let_go_ = false;
        return Fail(ErrorCode::kCancelled,
                    "a search or an export is still reading the events: try again when it is done");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      lock.try_lock();
    }
    slot->store.reset();
  }
  return {};
}

Result<void> CaseService::TakeUp() {
  Result<std::shared_ptr<const Json>> report = ReadReport(*case_);
  const Result<std::unique_ptr<casefile::Case>> again = casefile::Case::Open(case_->directory());
  {
    const std::scoped_lock lock(rows_.mutex, counts_.mutex, mutex_);
    selections_->Start();
    if (report) report_ = std::move(*report);
    if (again) evidence_paths_ = (*again)->evidence_paths();
    is_let_go_ = false;
  }
  files_->SetEvidence(evidence_paths());
  if (!report) return report.error();
  if (!again) return again.error();
  return {};
}

Result<CaseService::Lease> CaseService::Events(Use use) {
  Slot& slot = use == Use::kRows ? rows_ : counts_;
  const auto busy = [] {
    return Fail(ErrorCode::kCancelled,
                "evidence is being added to this case: its events can be asked again when that has "
                "ended");
  };
  if (is_let_go_) return busy();
  Lease lease{std::unique_lock(slot.mutex), nullptr};
  if (is_let_go_) return busy();
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
