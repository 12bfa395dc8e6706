// SPDX-License-Identifier: Apache-2.0
#include "detect/running/checks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace ekshume::detect::running {
namespace {

using process::Process;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kContainer = "376ed2ebfa27";

// "running.miner high", or "".
std::string Line(const std::optional<Verdict>& verdict) {
  return verdict ? fmt::format("{} {}", verdict->rule->id.substr(8), verdict->level) : "";
}

Process At(int64_t pid, std::string executable, std::vector<std::string> arguments = {}) {
  Process process;
  process.pid = pid;
  process.parent = 1;
  process.executable = std::move(executable);
  process.name = process.executable.substr(process.executable.rfind('/') + 1).substr(0, 15);
  process.arguments = std::move(arguments);
  if (process.arguments.empty()) process.arguments = {process.executable};
  process.start = Timestamp{1000 + pid, 0};
  return process;
}
Process Deleted(std::string executable) {
  Process process = At(7, std::move(executable));
  process.executable_deleted = true;
  return process;
}
Process InContainer(Process process) {
  process.container_id = kContainer;
  return process;
}

std::string Program(const Process& process, std::optional<bool> is_of_image = std::nullopt,
                    bool is_on_volume = false) {
  Subject subject;
  subject.process = &process;
  subject.is_of_image = is_of_image;
  subject.is_on_volume = is_on_volume;
  return Line(CheckProgram(subject));
}

TEST(RunningChecks, WhereTheProgramIs) {
  EXPECT_EQ(Program(At(7, "/usr/sbin/nginx")), "");
  EXPECT_EQ(Program(Deleted("/memfd:x")), "memory_program high");
  EXPECT_EQ(Program(Deleted("/tmp/x")), "deleted_program high");
  EXPECT_EQ(Program(Deleted("/tmp/a/b/c/x")), "deleted_program medium");
  EXPECT_EQ(Program(Deleted("/root/.x/y")), "deleted_program high");
  EXPECT_EQ(Program(Deleted("/opt/agent/bin/agent")), "deleted_program medium");
  EXPECT_EQ(Program(Deleted("/usr/sbin/sshd")), "deleted_program low");
  EXPECT_EQ(Program(InContainer(Deleted("/usr/sbin/sshd"))), "deleted_program medium");
  EXPECT_EQ(Program(InContainer(Deleted("/app/x"))), "deleted_program high");
  EXPECT_EQ(Program(At(7, "/dev/shm/x")), "temporary_program high");
  EXPECT_EQ(Program(At(7, "/var/tmp/x")), "temporary_program high");
  EXPECT_EQ(Program(At(7, "/tmp/build1/x")), "temporary_program medium");
  EXPECT_EQ(Program(At(7, "/var/tmp/a/b/x")), "temporary_program low");
  EXPECT_EQ(Program(At(7, "/var/tmp/a/.b/x")), "temporary_program high");
  EXPECT_EQ(Program(InContainer(At(7, "/tmp/a/b/x"))), "temporary_program medium");
}

// The copies that runc and crun make of themselves, and programs that only have their name.
TEST(RunningChecks, CopiesOfRuntimesInMemory) {
  const auto ask = [](std::string name, std::optional<Process> parent, std::string copy) {
    Process process = InContainer(Deleted("/memfd:" + std::move(copy)));
    process.name = std::move(name);
    Subject subject;
    subject.process = &process;
    if (parent) subject.parent = &*parent;
    return Line(CheckProgram(subject));
  };
  const std::string copy = "runc_cloned:/proc/self/exe";
  const Process shim = At(5, "/usr/bin/containerd-shim-runc-v2");
  Process shim_by_name = shim;
  shim_by_name.name = "containerd-shim";
  EXPECT_EQ(ask("runc:[2:INIT]", shim_by_name, copy), "");
  EXPECT_EQ(ask("runc:[1:CHILD]", At(6, "/usr/sbin/runc"), copy), "");
  EXPECT_EQ(ask("runc", At(6, "/usr/bin/dockerd"), copy), "");
  EXPECT_EQ(ask("crun", At(6, "/usr/bin/podman"), "crun_cloned:/proc/self/exe"), "");
  EXPECT_EQ(ask("runc:[2:INIT]", At(1, "/usr/lib/systemd/systemd"), copy), "");
  EXPECT_EQ(ask("runc:[2:INIT]", std::nullopt, copy), "memory_program low");
  EXPECT_EQ(ask("x", shim_by_name, copy), "memory_program high");
  EXPECT_EQ(ask("runc:[2:INIT]", At(8, "/usr/bin/bash"), copy), "memory_program high");
  EXPECT_EQ(ask("runc:[2:INIT]", InContainer(At(8, "/usr/bin/podman")), copy),
            "memory_program high");
  EXPECT_EQ(ask("runc:[2:INIT]", shim_by_name, "x"), "memory_program high");
}

TEST(RunningChecks, WhetherAnotherFileTookThePlaceOfADeletedOne) {
  const auto ask = [](Process process, bool replaced) {
    process.executable_replaced = replaced;
    return Program(process);
  };
  EXPECT_EQ(ask(Deleted("/usr/sbin/sshd"), true), "deleted_program informational");
  EXPECT_EQ(ask(Deleted("/usr/sbin/sshd"), false), "deleted_program medium");
  EXPECT_EQ(ask(Deleted("/opt/agent/bin/agent"), true), "deleted_program low");
  EXPECT_EQ(ask(Deleted("/opt/agent/bin/agent"), false), "deleted_program medium");
  EXPECT_EQ(ask(InContainer(Deleted("/usr/sbin/nginx")), true), "deleted_program low");
  EXPECT_EQ(ask(InContainer(Deleted("/usr/sbin/nginx")), false), "deleted_program high");
  EXPECT_EQ(ask(InContainer(Deleted("/app/x")), true), "deleted_program medium");
  // Where nothing ordinary is updated it says nothing.
  EXPECT_EQ(ask(Deleted("/tmp/x"), true), "deleted_program high");
  EXPECT_EQ(ask(Deleted("/usr/bin/.x"), true), "deleted_program high");
}

TEST(RunningChecks, ProgramsThatTheGoCommandRuns) {
  const auto ask = [](std::string path, std::optional<Process> parent) {
    const Process process = InContainer(At(7, std::move(path)));
    Subject subject;
    subject.process = &process;
    if (parent) subject.parent = &*parent;
    return Line(CheckProgram(subject));
  };
  const std::string test = "/tmp/go-build3141592/b001/parse.test";
  EXPECT_EQ(ask(test, At(6, "/usr/local/go/bin/go")), "");
  EXPECT_EQ(ask("/tmp/go-build3141592/b001/exe/main", At(6, "/usr/lib/go-1.24/bin/go")), "");
  EXPECT_EQ(ask(test, At(6, "/usr/bin/bash")), "temporary_program low");
  EXPECT_EQ(ask(test, At(6, "/tmp/go")), "temporary_program low");
  EXPECT_EQ(ask(test, std::nullopt), "temporary_program low");
  EXPECT_EQ(ask("/tmp/go-buildx/b001/x", At(6, "/usr/local/go/bin/go")),
            "temporary_program medium");
  EXPECT_EQ(ask("/tmp/x", At(6, "/usr/local/go/bin/go")), "temporary_program high");
  EXPECT_EQ(ask("/tmp/go-build3141592/b001/.x", At(6, "/usr/bin/bash")), "temporary_program high");
}

TEST(RunningChecks, WhetherTheProgramIsOfTheImage) {
  const Process process = InContainer(At(7, "/usr/local/bin/tool"));
  EXPECT_EQ(Program(process, true), "");
  EXPECT_EQ(Program(process, std::nullopt), "");  // not known is no finding
  EXPECT_EQ(Program(process, false), "program_not_of_image medium");
  EXPECT_EQ(Program(process, false, true), "");
  EXPECT_EQ(Program(InContainer(At(7, "/tmp/server")), true), "");
  EXPECT_EQ(Program(InContainer(At(7, "/tmp/server")), false), "temporary_program high");
  EXPECT_EQ(Program(InContainer(At(7, "/tmp/.x/server")), true), "temporary_program high");
  Process runc = InContainer(At(7, "/usr/bin/runc"));
  EXPECT_EQ(Program(runc, false), "");
}

std::string Name(const Process& process) {
  Subject subject;
  subject.process = &process;
  return Line(CheckName(subject));
}

TEST(RunningChecks, NamesOfKernelThreads) {
  EXPECT_EQ(Name(At(7, "/usr/bin/x", {"[kworker/0:1-events]"})), "kernel_look_alike high");
  EXPECT_EQ(Name(At(7, "/usr/bin/x", {"[kthreadd]", "-c"})), "kernel_look_alike high");
  EXPECT_EQ(Name(At(7, "/usr/bin/x", {"[cached]"})), "kernel_look_alike medium");
  EXPECT_EQ(Name(At(7, "/usr/bin/python3", {"[celeryd: worker@host:MainProcess]"})), "");
  EXPECT_EQ(Name(At(7, "/usr/bin/lxc", {"[lxc monitor] /var/lib/lxc web"})), "");
  EXPECT_EQ(Name(At(7, "/tmp/kdevtmpfsi")), "kernel_look_alike high");
  Process renamed = At(7, "/usr/bin/perl");
  renamed.name = "kworker/u8:2";
  EXPECT_EQ(Name(renamed), "kernel_look_alike high");
  Process thread;
  thread.name = "kworker/0:1";
  thread.kernel_thread = true;
  EXPECT_EQ(Name(thread), "");
  EXPECT_EQ(Name(At(7, "/usr/lib/systemd/systemd", {"/sbin/init"})), "");
}

std::string Preload(std::string variable) {
  Process process = At(7, "/usr/bin/x");
  process.environment = {"PATH=/bin", std::move(variable)};
  Subject subject;
  subject.process = &process;
  const auto verdict = CheckPreload(subject);
  return verdict ? Line(verdict) + " " + verdict->key : "";
}

TEST(RunningChecks, PreloadedLibraries) {
  EXPECT_EQ(Preload("LD_PRELOAD=/dev/shm/x.so"), "library_preload high /dev/shm/x.so");
  EXPECT_EQ(Preload("LD_AUDIT=/usr/lib/x.so"), "library_preload medium /usr/lib/x.so");
  EXPECT_EQ(Preload("LD_PRELOAD=/usr/lib/libjemalloc.so.2:/lib/x.so"),
            "library_preload medium /lib/x.so");
  EXPECT_EQ(Preload("LD_PRELOAD=libjemalloc.so.2"), "");
  EXPECT_EQ(Preload("LD_PRELOAD="), "");
  EXPECT_EQ(Preload("XLD_PRELOAD=/tmp/x"), "");
  // A known name in a folder for temporary files is not the package's.
  EXPECT_EQ(Preload("LD_PRELOAD=/tmp/libjemalloc.so.2"),
            "library_preload high /tmp/libjemalloc.so.2");
  EXPECT_THAT(UnknownLibraries("/lib/a.so\n/lib/b.so libfakeroot.so\n"),
              ElementsAre("/lib/a.so", "/lib/b.so"));
}

process::Socket Connection(int64_t pid, std::vector<int64_t> fds, std::string address,
                           int64_t port) {
  process::Socket socket;
  socket.family = "inet";
  socket.protocol = "tcp";
  socket.state = "established";
  socket.local = process::Address{"10.0.0.7", 41234};
  socket.remote = process::Address{std::move(address), port};
  for (const int64_t fd : fds) socket.holders.push_back({pid, fd});
  return socket;
}

struct Scene {
  process::State state;

  Scene() { state.scope = "node"; }
  Process& Add(Process process) {
    state.processes.push_back(std::move(process));
    std::ranges::sort(state.processes, {}, &Process::pid);
    return *std::ranges::find(state.processes, process.pid, &Process::pid);
  }
  template <typename Check>
  std::string Ask(int64_t pid, const Check& check, Subject subject = {}) const {
    const System system(state);
    subject.process = system.Find(pid);
    return Line(check(system, subject));
  }
};

TEST(RunningChecks, Miners) {
  const auto ask = [](Process process, std::optional<process::Socket> socket = std::nullopt) {
    Scene scene;
    scene.Add(std::move(process));
    if (socket) scene.state.sockets.push_back(std::move(*socket));
    return scene.Ask(7, CheckMiner);
  };
  EXPECT_EQ(ask(At(7, "/usr/bin/x", {"x", "-o", "Stratum+TCP://pool.test:3333"})), "miner high");
  EXPECT_EQ(ask(At(7, "/opt/xmrig-6.21/xmrig")), "miner high");
  EXPECT_EQ(ask(At(7, "/usr/bin/grep", {"grep", "stratum+tcp://"})), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), Connection(7, {3}, "192.0.2.9", 3333)), "miner low");
  EXPECT_EQ(ask(At(7, "/dev/shm/x"), Connection(7, {3}, "192.0.2.9", 3333)), "miner high");
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), Connection(7, {3}, "127.0.0.1", 3333)), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), Connection(7, {3}, "192.0.2.9", 443)), "");
}

TEST(RunningChecks, ShellsOnConnections) {
  const auto ask = [](Process process, std::vector<int64_t> fds, bool parent_has_it = false) {
    Scene scene;
    scene.Add(std::move(process));
    scene.state.sockets.push_back(Connection(7, fds, "192.0.2.9", 4444));
    if (parent_has_it) scene.state.sockets.back().holders.push_back({1, 9});
    return scene.Ask(7, CheckShell);
  };
  EXPECT_EQ(ask(At(7, "/usr/bin/bash"), {0, 1, 2}), "shell_on_socket high");
  EXPECT_EQ(ask(At(7, "/usr/bin/dash"), {1}), "shell_on_socket high");
  EXPECT_EQ(ask(At(7, "/bin/busybox", {"sh", "-i"}), {0, 1, 2}), "shell_on_socket high");
  EXPECT_EQ(ask(At(7, "/bin/busybox", {"/bin/busybox", "httpd", "-i"}), {0, 1, 2}), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/bash"), {5}), "shell_on_socket medium");
  EXPECT_EQ(ask(At(7, "/usr/bin/bash"), {5}, true), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/python3.11"), {0, 1, 2}), "shell_on_socket high");
  EXPECT_EQ(ask(At(7, "/usr/bin/python3.11"), {3}), "");
  EXPECT_EQ(ask(At(7, "/usr/sbin/nginx"), {0, 1, 2}), "");
  Scene listener;
  listener.Add(At(7, "/usr/bin/bash"));
  process::Socket socket = Connection(7, {0}, "192.0.2.9", 4444);
  socket.remote.reset();
  socket.state = "listen";
  listener.state.sockets.push_back(socket);
  EXPECT_EQ(listener.Ask(7, CheckShell), "");
}

TEST(RunningChecks, ReadersOfPackets) {
  const auto ask = [](Process process, std::string family, std::string protocol,
                      bool is_agent = false) {
    Scene scene;
    scene.Add(std::move(process));
    process::Socket socket;
    socket.family = std::move(family);
    socket.protocol = std::move(protocol);
    socket.holders.push_back({7, 3});
    scene.state.sockets.push_back(socket);
    Subject subject;
    subject.is_agent = is_agent;
    return scene.Ask(7, CheckPacketSocket, subject);
  };
  EXPECT_EQ(ask(At(7, "/usr/sbin/dhclient"), "packet", "raw"), "");
  EXPECT_EQ(ask(At(7, "/usr/sbin/x"), "packet", "raw"), "packet_socket low");
  EXPECT_EQ(ask(InContainer(At(7, "/usr/sbin/x")), "inet", "raw"), "packet_socket medium");
  EXPECT_EQ(ask(InContainer(At(7, "/usr/sbin/x")), "packet", "raw", true), "");
  EXPECT_EQ(ask(At(7, "/dev/shm/dhclient"), "packet", "dgram"), "packet_socket high");
  EXPECT_EQ(ask(At(7, "/usr/sbin/x"), "inet", "tcp"), "");
}

// A node with its process 1 and a container whose first process is 10.
Scene Node() {
  Scene scene;
  Process& init = scene.Add(At(1, "/usr/lib/systemd/systemd"));
  init.parent = 0;
  init.namespaces = {{"pid", 1}, {"net", 2}, {"mnt", 3}, {"ipc", 4}};
  scene.Add(At(5, "/usr/bin/containerd-shim-runc-v2")).name = "containerd-shim";
  Process& first = scene.Add(InContainer(At(10, "/usr/sbin/nginx")));
  first.parent = 5;
  first.namespaces = {{"pid", 11}, {"net", 12}, {"mnt", 13}, {"ipc", 14}};
  first.namespace_pids = {10, 1};
  return scene;
}

TEST(RunningChecks, NamespacesOfTheHost) {
  Scene scene = Node();
  Process escaped = InContainer(At(20, "/bin/sh"));
  escaped.namespaces = {{"pid", 11}, {"net", 12}, {"mnt", 3}, {"ipc", 14}};
  scene.Add(escaped);
  EXPECT_EQ(scene.Ask(10, CheckNamespaces), "");
  EXPECT_EQ(scene.Ask(20, CheckNamespaces), "host_namespace high");
  EXPECT_EQ(scene.Ask(1, CheckNamespaces), "");
  // A pod in the node's network: only its records tell whether it asked for that.
  Scene network = Node();
  network.state.processes[2].namespaces["net"] = 2;
  EXPECT_EQ(network.Ask(10, CheckNamespaces), "host_namespace informational");
  Subject subject;
  subject.asked = Subject::Asked{.host_network = true};
  EXPECT_EQ(network.Ask(10, CheckNamespaces, subject), "");
  subject.asked = Subject::Asked{};
  EXPECT_EQ(network.Ask(10, CheckNamespaces, subject), "host_namespace medium");
  // Of a container alone nothing is known of its host.
  network.state.scope = "container";
  EXPECT_EQ(network.Ask(10, CheckNamespaces, subject), "");
}

TEST(RunningChecks, ProcessesFromOutside) {
  Scene scene = Node();
  Process exec = InContainer(At(20, "/bin/sh"));
  exec.parent = 5;
  exec.namespaces = {{"pid", 11}};
  scene.Add(exec);
  Process child = InContainer(At(21, "/bin/ls"));
  child.parent = 20;
  scene.Add(child);
  Process own = InContainer(At(22, "/usr/sbin/nginx"));
  own.parent = 10;
  scene.Add(own);
  EXPECT_EQ(scene.Ask(20, CheckEntered), "entered low");
  EXPECT_EQ(scene.Ask(21, CheckEntered), "");
  EXPECT_EQ(scene.Ask(22, CheckEntered), "");
  EXPECT_EQ(scene.Ask(10, CheckEntered), "");
  // In the host's process namespace, orphans come to a process outside.
  scene.Add(At(30, "/x"));
  for (Process& process : scene.state.processes) process.namespaces["pid"] = 1;
  EXPECT_EQ(scene.Ask(20, CheckEntered), "entered informational");
}

TEST(RunningChecks, TracedProcesses) {
  Scene scene;
  scene.Add(At(7, "/usr/bin/x")).tracer = 8;
  scene.Add(At(8, "/usr/bin/gdb"));
  scene.Add(At(9, "/usr/bin/x")).tracer = 10;
  scene.Add(At(10, "/usr/bin/y"));
  scene.Add(At(11, "/usr/bin/x"));
  EXPECT_EQ(scene.Ask(7, CheckTraced), "traced low");
  EXPECT_EQ(scene.Ask(9, CheckTraced), "traced medium");
  EXPECT_EQ(scene.Ask(11, CheckTraced), "");
}

TEST(RunningChecks, WritableCode) {
  const auto ask = [](Process process, std::string permissions, std::string path) {
    process::Mapping mapping;
    mapping.start = 0x1000;
    mapping.end = 0x2000;
    mapping.permissions = std::move(permissions);
    mapping.path = std::move(path);
    process.mappings = {mapping};
    Subject subject;
    subject.process = &process;
    return Line(CheckWritableCode(subject));
  };
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), "rwxp", ""), "writable_code low");
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), "rwxp", "[heap]"), "writable_code low");
  EXPECT_EQ(ask(At(7, "/dev/shm/x"), "rwxp", ""), "writable_code medium");
  EXPECT_EQ(ask(At(7, "/usr/bin/java"), "rwxp", ""), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), "rwxp", "/usr/lib/x.so"), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), "r-xp", ""), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/dotnet"), "rwxs", "/memfd:doublemapper"), "");
  EXPECT_EQ(ask(At(7, "/usr/bin/x"), "rwxs", "/memfd:doublemapper"), "writable_code low");
}

TEST(RunningChecks, WritableCodeOfCompilersInProgramsWithNamesOfTheirOwn) {
  const auto ask = [](std::string library, bool deleted = false) {
    Process process = At(7, "/app/Shop.Web");
    process::Mapping code;
    code.permissions = "rwxs";
    code.path = "/memfd:doublemapper";
    process::Mapping compiler;
    compiler.permissions = "r-xp";
    compiler.path = std::move(library);
    compiler.deleted = deleted;
    process.mappings = {code, compiler};
    Subject subject;
    subject.process = &process;
    return Line(CheckWritableCode(subject));
  };
  EXPECT_EQ(ask("/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/libcoreclr.so"), "");
  EXPECT_EQ(ask("/usr/lib/jvm/java-17/lib/server/libjvm.so"), "");
  EXPECT_EQ(ask("/usr/lib/x86_64-linux-gnu/libc.so.6"), "writable_code low");
  EXPECT_EQ(ask("/tmp/libjvm.so"), "writable_code low");
  EXPECT_EQ(ask("/usr/lib/.x/libjvm.so"), "writable_code low");
  EXPECT_EQ(ask("/usr/lib/jvm/lib/libjvm.so", true), "writable_code low");
}

TEST(RunningChecks, AllOfThem) {
  Scene scene;
  Process& process = scene.Add(At(7, "/tmp/x", {"[kworker/0:0]"}));
  process.hidden = true;
  const System system(scene.state);
  Subject subject;
  subject.process = system.Find(7);
  std::vector<std::string> lines;
  for (const Verdict& verdict : CheckProcess(system, subject)) lines.push_back(Line(verdict));
  EXPECT_THAT(lines, ElementsAre("temporary_program high", "kernel_look_alike high",
                                 "hidden_process high"));
  Scene nothing;
  nothing.Add(At(7, "/usr/bin/sleep", {"sleep", "1"}));
  const System calm(nothing.state);
  subject.process = calm.Find(7);
  EXPECT_THAT(CheckProcess(calm, subject), IsEmpty());
}

}  // namespace
}  // namespace ekshume::detect::running
