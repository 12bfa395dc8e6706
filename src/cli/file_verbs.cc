// SPDX-License-Identifier: Apache-2.0
#include "cli/file_verbs.h"

#include <memory>

#include "casefile/export_tar.h"
#include "casefile/extract.h"
#include "casefile/mount.h"
#include "cli/listing.h"
#include "fs/path.h"

namespace ekshume::cli {
namespace {

struct FileVerbOptions {
  std::string id;
  std::string path = "/";
  std::string target;
  bool runs = false;
  FindOptions find;
  casefile::ExtractOptions extract;
  casefile::MountOptions mount;
};

}  // namespace

void AddExtractOptions(CLI::App& verb, casefile::ExtractOptions& options) {
  verb.add_flag("--devices", options.devices, "also make devices and FIFOs");
  verb.add_flag("--preserve", options.preserve,
                "keep set-uid, set-gid and sticky bits, and as root the owners");
}

void AddFileVerbs(Program& program, CLI::App& verb, const std::string& id_help, ViewOpener open) {
  const auto options = std::make_shared<FileVerbOptions>();
  using Configure = std::function<void(CLI::App&)>;
  using Action = std::function<Result<void>(const fs::Filesystem&)>;
  const auto add = [&](const char* name, const char* help, bool with_path,
                       const Configure& configure, const Action& run) {
    CLI::App* subverb = verb.add_subcommand(name, help);
    program.AddEvidenceOptions(*subverb, false);
    subverb->add_option("id", options->id, id_help)->required()->type_name("ID");
    if (with_path) {
      subverb->add_option("path", options->path, "a path inside it (default: /)")
          ->type_name("PATH");
    }
    configure(*subverb);
    subverb->callback([&program, options, open, run] {
      program.action = [&program, options, open, run]() -> Result<void> {
        const runtime::Inventory inventory = EKSHUME_TRY(program.ReadInventory());
        const casefile::FileView view =
            EKSHUME_TRY(open(inventory, options->id, program.diagnostics));
        return run(*view.filesystem);
      };
    });
  };
  const Configure rows = [&](CLI::App& subverb) { program.AddOutputOptions(subverb); };
  const Configure output = [&](CLI::App& subverb) {
    subverb.add_option("--output", program.output_path, "write to FILE instead of standard output")
        ->type_name("FILE");
  };
  add("ls", "list a directory", true, rows, [&program, options](const fs::Filesystem& filesystem) {
    return PrintDirectory(program, filesystem, options->path);
  });
  add(
      "stat", "everything about one file", true,
      [&](CLI::App& subverb) {
        rows(subverb);
        subverb.add_flag("--runs", options->runs, "also where its bytes lie on the device");
      },
      [&program, options](const fs::Filesystem& filesystem) {
        return PrintStat(program, filesystem, options->path, options->runs);
      });
  add("cat", "the bytes of a file", true, output,
      [&program, options](const fs::Filesystem& filesystem) {
        return PrintContent(program, filesystem, options->path);
      });
  add(
      "find", "every name below a path", true,
      [&](CLI::App& subverb) {
        rows(subverb);
        subverb.add_flag("--sha256", options->find.sha256, "also hash every regular file");
        subverb.add_flag("--xattrs", options->find.xattrs, "also the extended attributes");
      },
      [&program, options](const fs::Filesystem& filesystem) {
        return PrintFind(program, filesystem, options->path, options->find);
      });
  add("hash", "SHA-256 of every regular file below a path", true, rows,
      [&program, options](const fs::Filesystem& filesystem) {
        return PrintHashes(program, filesystem, options->path);
      });
  add("export", "all files as a tar stream", false, output,
      [&program](const fs::Filesystem& filesystem) -> Result<void> {
        program.progress.SetStage("exporting");
        EKSHUME_TRY(casefile::ExportTar(filesystem, filesystem.root(), program.output_path,
                                        program.diagnostics, &program.progress));
        return {};
      });
  add(
      "extract", "copy files out to a folder", true,
      [&](CLI::App& subverb) {
        subverb.add_option("--to", options->target, "the folder to make")
            ->type_name("FOLDER")
            ->required();
        AddExtractOptions(subverb, options->extract);
      },
      [&program, options](const fs::Filesystem& filesystem) -> Result<void> {
        program.progress.SetStage("extracting");
        const fs::NodeId node = EKSHUME_TRY(fs::ResolvePath(filesystem, options->path));
        EKSHUME_TRY(casefile::Extract(filesystem, node, options->target, options->extract,
                                      program.diagnostics, &program.progress));
        return {};
      });
  add(
      "mount", "mount the files read-only through FUSE, until Ctrl-C", false,
      [&](CLI::App& subverb) {
        subverb.add_option("--at", options->target, "an empty folder")
            ->type_name("FOLDER")
            ->required();
        subverb.add_flag("--allow-other", options->mount.allow_other,
                         "other users may look too (user_allow_other in fuse.conf)");
      },
      [options](const fs::Filesystem& filesystem) {
        return casefile::MountAndServe(filesystem, options->target, options->mount);
      });
}

}  // namespace ekshume::cli
