// SPDX-License-Identifier: Apache-2.0
#include "io/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "io/dpdk_log.h"
#include "io/pci.h"

namespace sluice::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "sluice-";  // of runtime directories: prefix and process id

// The CPUs this process may run on.
std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (unsigned c = 0; c < CPU_SETSIZE; ++c)
    if (CPU_ISSET(c, &set)) cpus.push_back(c);
  return cpus;
}

std::string list(const std::vector<unsigned>& numbers) {
  std::string s;
  for (unsigned n : numbers) {
    if (!s.empty()) s += ',';
    s += std::to_string(n);
  }
  return s;
}

struct HugepageState {
  uint64_t free_mb = 0;
  uint64_t size_kb = 2048;  // of the size most machines have, for the message
};

HugepageState hugepages_free() {
  HugepageState state;
  std::error_code ec;
  for (const auto& dir : fs::directory_iterator("/sys/kernel/mm/hugepages", ec)) {
    const std::string name = dir.path().filename();  // hugepages-2048kB
    const uint64_t kb = std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10);
    uint64_t count = 0;
    std::ifstream(dir.path() / "free_hugepages") >> count;
    state.free_mb += count * kb / 1024;
  }
  return state;
}

std::string hugepages_wanted(const EalOptions& o, const HugepageState& have) {
  const uint64_t pages = (uint64_t{o.memory_mb} * 1024 + have.size_kb - 1) / have.size_kb;
  return std::to_string(o.memory_mb) + " MB in hugepages are wanted, " + std::to_string(have.free_mb) +
         " MB are free: type  sysctl -w vm.nr_hugepages=" + std::to_string(pages);
}

// Runtime directories of appliances that were killed: named after a process that is no more.
void remove_stale(const fs::path& parent) {
  std::error_code ec;
  for (const auto& dir : fs::directory_iterator(parent, ec)) {
    const std::string name = dir.path().filename();
    if (!name.starts_with(prefix)) continue;
    int pid = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + std::strlen(prefix), end, pid);
    if (parsed.ec != std::errc{} || parsed.ptr != end || pid <= 0) continue;
    if (kill(pid, 0) != 0 && errno == ESRCH) fs::remove_all(dir.path(), ec);
  }
}

std::string check_options(const EalOptions& o) {
  const auto cpus = allowed_cpus();
  for (size_t i = 0; i < o.cores.size(); ++i) {
    const unsigned core = o.cores[i];
    if (std::find(cpus.begin(), cpus.end(), core) == cpus.end())
      return "worker core " + std::to_string(core) + " is not there: this process may use CPUs " + list(cpus);
    if (std::find(o.cores.begin(), o.cores.begin() + i, core) != o.cores.begin() + i)
      return "worker core " + std::to_string(core) + " is named twice";
  }
  if (o.cores.size() + 1 > RTE_MAX_LCORE)
    return "at most " + std::to_string(RTE_MAX_LCORE - 1) + " workers are possible";
  return {};
}

std::string explain(int error, const EalOptions& o, bool huge, DpdkLog& log) {
  std::string why = "DPDK does not start";
  if (geteuid() != 0 && (error == EACCES || error == EPERM || !o.pci.empty()))
    why += ": it needs root (or CAP_NET_ADMIN, CAP_IPC_LOCK and access to /dev/vfio): type  sudo ...";
  else if (huge)
    why += "; if memory is short: " + hugepages_wanted(o, hugepages_free());
  return log.explain(why);
}

}  // namespace

std::vector<std::string> Eal::arguments(const EalOptions& o, bool huge) {
  // lcore 0 is the control thread, free to run anywhere; lcore 1 + k is worker k on its own CPU. The numbers
  // are DPDK's own, so two workers' mempool caches never meet even if their CPUs' numbers would be too large.
  std::string lcores = "0@(" + list(allowed_cpus()) + ")";
  for (size_t k = 0; k < o.cores.size(); ++k)
    lcores += "," + std::to_string(k + 1) + "@" + std::to_string(o.cores[k]);

  std::vector<std::string> a{"--lcores", lcores, "--main-lcore", "0", "-m", std::to_string(o.memory_mb)};
  a.insert(a.end(), {"--file-prefix", prefix + std::to_string(getpid())});
  // Nothing on disk and no shared configuration: a second appliance beside this one cannot meet it, and a
  // killed one leaves no hugepage file. The price: no DPDK secondary process can attach.
  if (huge)
    a.emplace_back("--in-memory");
  else
    a.insert(a.end(), {"--no-huge", "--no-shconf"});  // --in-memory refuses the memory model of --no-huge
  if (huge && o.virtio_user) a.emplace_back("--single-file-segments");
  if (o.pci.empty()) a.emplace_back("--no-pci");
  for (const std::string& address : o.pci) a.insert(a.end(), {"-a", address});
  a.insert(a.end(), {"--log-level", "warning"});
  a.insert(a.end(), o.extra.begin(), o.extra.end());
  return a;
}

Eal::Eal(const EalOptions& o) { error_ = start(o); }

std::string Eal::start(const EalOptions& o) {
  if (std::string wrong = check_options(o); !wrong.empty()) return wrong;
  const HugepageState have = hugepages_free();
  const bool enough = have.free_mb >= o.memory_mb;
  if (o.hugepages == Hugepages::on && !enough) return hugepages_wanted(o, have);
  hugepages_ = o.hugepages == Hugepages::on || (o.hugepages == Hugepages::automatic && enough);
  if (!hugepages_ && !o.pci.empty() && o.hugepages == Hugepages::automatic)
    return "a PCI device needs hugepages; " + hugepages_wanted(o, have);
  for (const std::string& address : o.pci)
    if (std::string wrong = pci_trouble(address); !wrong.empty()) return wrong;
  if (o.hugepages == Hugepages::automatic && !enough)
    warnings_.push_back("slower without hugepages: " + hugepages_wanted(o, have));

  // The default action of SIGIO ends the process, and a driver that asks for signals on its descriptors gets
  // it whenever the kernel's queue of real-time signals is full.
  signal(SIGIO, SIG_IGN);

  std::vector<std::string> words = arguments(o, hugepages_);
  words.insert(words.begin(), "sluice");
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  {
    DpdkLog log;
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
      return explain(rte_errno, o, hugepages_, log);
  }
  runtime_dir_ = rte_eal_get_runtime_dir();
  workers_ = o.cores.size();
  remove_stale(fs::path(runtime_dir_).parent_path());
  return {};
}

Eal::~Eal() {
  if (runtime_dir_.empty()) return;
  rte_eal_cleanup();
  std::error_code ec;
  if (fs::path(runtime_dir_).filename() == prefix + std::to_string(getpid()))
    fs::remove_all(runtime_dir_, ec);
}

bool Eal::launch(size_t k, int (*f)(void*), void* arg) {
  return rte_eal_remote_launch(f, arg, static_cast<unsigned>(k + 1)) == 0;
}

void Eal::join(size_t k) { rte_eal_wait_lcore(static_cast<unsigned>(k + 1)); }

}  // namespace sluice::io
