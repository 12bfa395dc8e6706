// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "fs/filesystem.h"
#include "image/image.h"
#include "runtime/model.h"

// What was running when evidence was taken of a live system, in one vocabulary, whoever took it:
// processes, their memory, open files and sockets. Plain values; strings are bytes from evidence.
namespace ekshume::process {

// Bytes of a file in the archive that the state was read from.
struct Extent {
  fs::NodeId file{};
  uint64_t offset_bytes = 0;  // in that file
  uint64_t length_bytes = 0;
  bool swapped = false;  // each two bytes are in each other's place, as dd(1) conv=swab writes them
};

// A stretch of a process's memory that was kept: [address, address + bytes.length_bytes).
struct MemoryPart {
  uint64_t address = 0;
  Extent bytes;
};

// One mapping. What was kept of it are MemoryParts of its process.
struct Mapping {
  uint64_t start = 0;
  uint64_t end = 0;
  std::string permissions;  // "r-xp"
  uint64_t offset_bytes = 0;
  std::string path;  // "" for anonymous memory; "[heap]", "[stack]", "[vdso]"
  bool deleted = false;
};

struct OpenFile {
  int64_t fd = -1;
  std::string path;  // without " (deleted)"; "socket:[123]", "pipe:[4]", "anon_inode:[eventpoll]"
  bool deleted = false;
  char type = 'U';  // f d l c b p s, a for anonymous inodes, U unknown
  std::optional<uint64_t> size_bytes;
  std::string content_member;     // of the archive, for messages; "" when the bytes were not kept
  std::optional<Extent> content;  // the bytes
};

struct Process {
  int64_t pid = 0;
  int64_t parent = 0;
  std::optional<Timestamp> start;
  std::string name;  // comm, at most 15 bytes
  char state = '?';  // R S D Z T ...
  bool kernel_thread = false;
  bool hidden = false;     // found by its number and not in the listing
  std::string executable;  // path in its own mount namespace, without " (deleted)"
  bool executable_deleted = false;
  // Of a deleted one: whether another file stands at its path now; none when that is not known.
  std::optional<bool> executable_replaced;
  std::string executable_member;  // of the archive; "" when the bytes were not kept
  std::optional<Extent> executable_content;
  std::string executable_sha256;  // where the evidence has it or the bytes
  std::string executable_sha1;    // where the evidence has it
  std::string executable_md5;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string working_directory;
  std::string root;
  std::string user;            // a name, where the evidence has one
  std::optional<int64_t> uid;  // real
  std::optional<int64_t> effective_uid;
  std::map<std::string, uint64_t> namespaces;  // "pid" -> inode
  std::vector<int64_t> namespace_pids;         // outermost first
  std::string effective_capabilities;          // 16 hexadecimal digits
  std::string tty;
  std::optional<int64_t> threads;
  int64_t tracer = 0;  // the process that traces it (ptrace); 0 none, or not known
  std::string runtime;
  std::string container_id;
  std::string pod_uid;
  // Filled in from the node's own records, where it has them.
  std::string pod, name_space, container;
  std::vector<Mapping> mappings;
  std::vector<MemoryPart> memory;  // ascending by address
  std::vector<OpenFile> files;
};

struct Address {
  std::string address;
  int64_t port = 0;
};

struct Socket {
  uint64_t network_namespace = 0;
  std::string family;    // inet inet6 unix netlink packet
  std::string protocol;  // tcp udp raw stream dgram seqpacket icmp
  std::optional<Address> local;
  std::optional<Address> remote;
  std::string state;  // established listen ...; "" unknown
  uint64_t inode = 0;
  std::optional<int64_t> uid;
  std::string path;  // unix
  struct Holder {
    int64_t pid = 0;
    int64_t fd = -1;
  };
  std::vector<Holder> holders;
};

// Another record of a table that is kept as it is: a kernel module, a mount.
struct Module {
  std::string name;
  std::optional<uint64_t> size_bytes;
  std::string state;
  std::string taint;
  bool in_sysfs = true;
};

// A connection that the kernel's connection tracking knew: of any pod of a node, without a process.
struct Flow {
  std::string protocol;  // tcp udp icmp ...
  Address source;        // who began it
  Address destination;
  std::string state;  // "" unknown
};

struct Mount {
  std::string source;  // "/dev/nvme0n1p1", "overlay"
  std::string point;
  std::string type;
  std::string options;
};

// A file of the archive that the readers of logs take.
struct Records {
  std::string member;
  std::string path;  // where it lay on the host, which tells readers what it is
  fs::NodeId node{};
};

// Files that came with the state.
struct Files {
  enum class Of : uint8_t {
    kHost,
    kContainer,       // a container's whole view
    kContainerLayer,  // only what a container changed in its image
  };
  Of of = Of::kHost;
  std::string container_id;             // of a container's
  std::unique_ptr<image::Image> image;  // what `filesystem` reads, where it is not the archive
  std::unique_ptr<fs::Filesystem> filesystem;  // never null
  std::string name;                            // in the archive: "root", "rootfs-diff.tar"
};

// Everything that one archive or folder says.
struct State {
  std::string format;  // "collection", "checkpoint", "uac", "varc", "eks-log-collector"
  std::string scope;   // "node", "container", "pod", "pid"; "" unknown
  std::optional<Timestamp> taken;
  std::string tool;
  std::string hostname, kernel, boot_id, machine_id;
  std::optional<Timestamp> boot_time;
  std::vector<Process> processes;  // by pid
  std::vector<Socket> sockets;
  std::vector<Module> modules;
  std::vector<Flow> flows;
  std::vector<Mount> mounts;
  std::vector<Records> records;
  std::vector<Records> body_files;  // times of files (wiki.sleuthkit.org, "Body file")
  std::vector<runtime::Container> containers;
  std::vector<Files> files;
  std::vector<std::string> deleted_paths;  // in the container, that a checkpoint says are gone
  // What was asked for and not had, as sentences.
  std::vector<std::string> missing;
  // Files of the archive that no reader knows: all are counted, some named.
  uint64_t not_read_count = 0;
  std::vector<std::string> not_read;
};

// Sorts processes by pid, sockets by namespace and inode, memory by address; joins what can be
// joined: sockets to the processes that hold their inodes, kernel threads by their parent, the
// container of a container-wide state to its processes.
void Complete(State& state);

// Copies of `parts` that lie inside [start, end), cut to it.
std::vector<MemoryPart> PartsWithin(const std::vector<MemoryPart>& parts, uint64_t start,
                                    uint64_t end);

// "/usr/bin/nginx -g 'daemon off;'", or "[kthreadd]" for what has no arguments.
std::string CommandLine(const Process& process);

// The executable's last part, else the name.
std::string_view ShortName(const Process& process);

}  // namespace ekshume::process
