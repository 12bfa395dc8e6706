// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/text.h"
#include "cli/objects.h"
#include "cli/program.h"
#include "image/evidence_hash.h"

namespace ekshume::cli {
namespace {

using casefile::Json;

Result<Json> EvidenceWithHashes(Program& program, const casefile::Evidence& evidence) {
  const auto hasher = image::EvidenceHasher::Start(evidence.files(), &program.progress);
  const image::EvidenceHash hash = EKSHUME_TRY(hasher->Wait());
  Json files = Json::array();
  for (const image::EvidenceHash::File& file : hash.files) {
    files.push_back(
        {{"path", file.path}, {"size", file.size_bytes}, {"sha256", ToHex(file.sha256)}});
  }
  return files;
}

// The page of `image info` for people.
Result<void> PrintInfoPage(Program& program, const Json& info, const Json& hashes) {
  const auto output = EKSHUME_TRY(program.OpenOutput());
  for (const Json& disk : info) {
    output->Write(
        fmt::format("{}  ({})\n", EscapeForTerminal(Member(disk, "path")), Member(disk, "format")));
    if (!disk.contains("size")) continue;
    output->Write(fmt::format("  size             {} ({} bytes)\n",
                              HumanBytes(disk["size"].get<uint64_t>()), Member(disk, "size")));
    if (Member(disk, "format") != "raw") {
      output->Write(fmt::format("  stored as        {} bytes\n", Member(disk, "stored_size")));
    }
    output->Write(fmt::format("  partition table  {}, {}-byte sectors{}{}\n",
                              Member(disk, "partition_table"), Member(disk, "sector_size"),
                              disk["disk_uuid"].is_null() ? "" : ", id ",
                              Member(disk, "disk_uuid")));
    for (const Json& partition : disk["partitions"]) {
      output->Write(
          fmt::format("  partition {:<4}  {:>10} at {:<12}  {}  {}\n", Member(partition, "number"),
                      HumanBytes(partition["size"].get<uint64_t>()), Member(partition, "offset"),
                      EscapeForTerminal(Member(partition, "type_name")),
                      EscapeForTerminal(Member(partition, "label"))));
      if (partition["filesystem"].is_null()) {
        output->Write(fmt::format("    {}\n", EscapeForTerminal(Member(partition, "problem"))));
        continue;
      }
      const Json& filesystem = partition["filesystem"];
      output->Write(fmt::format("    {}, log {}, uuid {}, {} bytes a block\n",
                                Member(filesystem, "type"), Member(filesystem, "log"),
                                Member(filesystem, "uuid"), Member(filesystem, "block_size")));
      std::string features;
      for (const Json& feature : filesystem["features"]) {
        features += (features.empty() ? "" : " ") + feature.get<std::string>();
      }
      output->Write(fmt::format("    features: {}\n", features));
    }
  }
  for (const Json& file : hashes) {
    output->Write(fmt::format("sha256  {}  {}\n", Member(file, "sha256"),
                              EscapeForTerminal(Member(file, "path"))));
  }
  return output->Finish();
}

Result<void> RunInfo(Program& program, bool with_hash) {
  const casefile::Evidence* evidence = EKSHUME_TRY(program.OpenEvidence());
  Json info = casefile::ToJson(*evidence);
  Json hashes = Json::array();
  if (with_hash) hashes = EKSHUME_TRY(EvidenceWithHashes(program, *evidence));
  if (program.format == OutputFormat::kTable) return PrintInfoPage(program, info, hashes);
  std::vector<Json> objects;
  for (Json& disk : info) {
    if (with_hash) {
      disk["sha256"] = nullptr;
      for (const Json& file : hashes) {
        if (file["path"] == disk["path"]) disk["sha256"] = file["sha256"];
      }
      disk["hashes"] = hashes;
    }
    objects.push_back(std::move(disk));
  }
  if (objects.size() == 1) return PrintObject(program, objects.front());
  return PrintObjects(program, objects, {});
}

Result<void> RunHash(Program& program) {
  image::OpenOptions options;
  options.diagnostics = &program.diagnostics;
  options.progress = &program.progress;
  const image::OpenedImage opened = EKSHUME_TRY(image::Open(program.evidence_path, options));
  program.progress.SetStage("hashing");
  const auto hasher = image::EvidenceHasher::Start(opened.files, &program.progress);
  const image::EvidenceHash hash = EKSHUME_TRY(hasher->Wait());
  std::vector<Json> rows;
  for (const image::EvidenceHash::File& file : hash.files) {
    rows.push_back({{"path", file.path},
                    {"size", file.size_bytes},
                    {"sha256", ToHex(file.sha256)},
                    {"what", "evidence file"}});
  }
  // What a compressed or split image holds: the hash to compare with that of the original disk.
  if (opened.format != "raw") {
    rows.push_back(
        {{"path", program.evidence_path},
         {"size", opened.image->size_bytes()},
         {"sha256", ToHex(EKSHUME_TRY(image::HashContent(*opened.image, &program.progress)))},
         {"what", "content"}});
  }
  return PrintObjects(program, rows,
                      {MemberColumn("sha256", "sha256"), MemberColumn("size", "size"),
                       MemberColumn("what", "what"), MemberColumn("path", "path")});
}

}  // namespace

void AddImageVerb(Program& program) {
  CLI::App* image_verb = program.app.add_subcommand("image", "a disk image as such");
  image_verb->require_subcommand(1);
  image_verb->footer(
      "Examples:\n"
      "  ekshume image info disk.img            partitions, filesystems, features, state of the "
      "log\n"
      "  ekshume image hash disk.img.zst        SHA-256 of the file, and of the disk inside it");
  CLI::App* info = image_verb->add_subcommand(
      "info", "format, size, partitions, filesystems and their features");
  program.AddEvidenceOptions(*info, false);
  program.AddOutputOptions(*info);
  const auto with_hash = std::make_shared<bool>(false);
  info->add_flag("--hash", *with_hash, "also SHA-256 of the evidence");
  info->callback([&program, with_hash] {
    program.action = [&program, with_hash] { return RunInfo(program, *with_hash); };
  });
  CLI::App* hash = image_verb->add_subcommand("hash", "SHA-256 of the evidence");
  hash->add_option("evidence", program.evidence_path, "a disk image")
      ->required()
      ->type_name("EVIDENCE");
  program.AddOutputOptions(*hash);
  hash->callback([&program] { program.action = [&program] { return RunHash(program); }; });
}

}  // namespace ekshume::cli
