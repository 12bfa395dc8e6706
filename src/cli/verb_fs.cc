// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "casefile/extract.h"
#include "casefile/file_hash.h"
#include "cli/file_verbs.h"
#include "cli/listing.h"
#include "cli/program.h"
#include "fs/path.h"

namespace ekshume::cli {
namespace {

struct FsOptions {
  std::string path = "/";
  std::string target;
  FindOptions find;
  bool runs = false;
  bool deleted = false;
  casefile::ExtractOptions extract;
};

// A path of the form "inode:1234" names a node that has no name any more.
Result<fs::NodeId> NodeOf(const fs::Filesystem& filesystem, const std::string& path) {
  constexpr std::string_view kPrefix = "inode:";
  if (!path.starts_with(kPrefix)) return fs::ResolvePath(filesystem, path);
  uint64_t inode = 0;
  const char* end = path.data() + path.size();
  const auto parsed = std::from_chars(path.data() + kPrefix.size(), end, inode);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is not an inode number", path));
  }
  return fs::NodeId{inode};
}

// Files that have no name any more but still have their data.
Result<void> PrintDeleted(Program& program, const fs::Filesystem& filesystem) {
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowWriter writer(program.format, *output);
  RowFormatter row(program.format);
  for (const fs::DeletedNode& deleted : filesystem.Deleted()) {
    const auto stat = filesystem.GetStat(deleted.node);
    if (!stat) {
      program.diagnostics.Report(DiagnosticCode::kFilesystemNodeUnreadable,
                                 fmt::format("inode:{}", static_cast<uint64_t>(deleted.node)),
                                 stat.error().message);
      continue;
    }
    const char type = fs::NodeTypeLetter(stat->type);
    row.Begin();
    row.Text("path"_key, fmt::format("inode:{}", static_cast<uint64_t>(deleted.node)));
    row.Plain("type"_key, std::string_view(&type, 1));
    row.Plain("mode"_key, fmt::format("{:o}", stat->permissions));
    row.Unsigned("uid"_key, stat->uid);
    row.Unsigned("gid"_key, stat->gid);
    row.Unsigned("size"_key, stat->size_bytes);
    row.Time("mtime"_key, stat->modified);
    row.Time("ctime"_key, stat->changed);
    row.Time("atime"_key, stat->accessed);
    row.Time("crtime"_key, stat->created);
    row.Unsigned("inode"_key, stat->inode);
    row.Text("how"_key, deleted.how);
    if (stat->type == fs::NodeType::kRegular) {
      row.Text("kind"_key, EKSHUME_TRY(casefile::FileKind(filesystem, deleted.node)));
      row.Text("sha256"_key,
               EKSHUME_TRY(casefile::HashFile(filesystem, deleted.node, &program.progress)));
    } else {
      row.Null("kind"_key);
      row.Null("sha256"_key);
    }
    row.End();
  }
  writer.Write(row.Take(), row.keys());
  writer.Finish();
  return output->Finish();
}

}  // namespace

void AddFsVerb(Program& program) {
  CLI::App* fs_verb = program.app.add_subcommand("fs", "the host's filesystem");
  fs_verb->require_subcommand(1);
  fs_verb->footer(
      "Examples:\n"
      "  ekshume fs ls disk.img /etc\n"
      "  ekshume fs find disk.img / --format jsonl\n"
      "  ekshume fs cat disk.img /etc/hostname\n"
      "  ekshume fs find disk.img --deleted              files deleted while open, with their "
      "data\n"
      "  ekshume fs cat disk.img inode:1234 --output recovered.bin\n"
      "  ekshume fs extract disk.img /var/log --to logs");
  const auto options = std::make_shared<FsOptions>();
  // What all subverbs share; `run` gets the chosen filesystem.
  const auto add = [&](const char* name, const char* help, auto&& configure, auto&& run) {
    CLI::App* verb = fs_verb->add_subcommand(name, help);
    program.AddEvidenceOptions(*verb, true);
    verb->add_option("path", options->path, "a path on the host, or inode:N")->type_name("PATH");
    configure(*verb);
    verb->callback([&program, run, options] {
      program.action = [&program, run, options]() -> Result<void> {
        const casefile::Evidence* evidence = EKSHUME_TRY(program.OpenEvidence());
        const casefile::Volume* volume = EKSHUME_TRY(evidence->Select(program.partition));
        return run(*volume->filesystem);
      };
    });
  };
  const auto rows = [&](CLI::App& verb) { program.AddOutputOptions(verb); };
  add("ls", "list a directory", rows, [&program, options](const fs::Filesystem& filesystem) {
    return PrintDirectory(program, filesystem, options->path);
  });
  add(
      "stat", "everything about one file",
      [&](CLI::App& verb) {
        rows(verb);
        verb.add_flag("--runs", options->runs, "also where its bytes lie on the device");
      },
      [&program, options](const fs::Filesystem& filesystem) {
        return PrintStat(program, filesystem, options->path, options->runs);
      });
  add(
      "cat", "the bytes of a file",
      [&](CLI::App& verb) {
        verb.add_option("--output", program.output_path, "write to FILE")->type_name("FILE");
      },
      [&program, options](const fs::Filesystem& filesystem) -> Result<void> {
        return PrintContent(program, filesystem, EKSHUME_TRY(NodeOf(filesystem, options->path)),
                            options->path);
      });
  add(
      "find", "every name below a path",
      [&](CLI::App& verb) {
        rows(verb);
        verb.add_flag("--sha256", options->find.sha256, "also hash every regular file");
        verb.add_flag("--xattrs", options->find.xattrs, "also the extended attributes");
        verb.add_flag("--deleted", options->deleted,
                      "instead: files without a name that still have their data");
      },
      [&program, options](const fs::Filesystem& filesystem) {
        return options->deleted ? PrintDeleted(program, filesystem)
                                : PrintFind(program, filesystem, options->path, options->find);
      });
  add("hash", "SHA-256 of every regular file below a path", rows,
      [&program, options](const fs::Filesystem& filesystem) {
        return PrintHashes(program, filesystem, options->path);
      });
  add(
      "extract", "copy a file or a folder out of the image",
      [&](CLI::App& verb) {
        verb.add_option("--to", options->target, "the folder to make")
            ->type_name("FOLDER")
            ->required();
        AddExtractOptions(verb, options->extract);
      },
      [&program, options](const fs::Filesystem& filesystem) -> Result<void> {
        const fs::NodeId node = EKSHUME_TRY(fs::ResolvePath(filesystem, options->path));
        EKSHUME_TRY(casefile::Extract(filesystem, node, options->target, options->extract,
                                      program.diagnostics, &program.progress));
        return {};
      });
}

}  // namespace ekshume::cli
