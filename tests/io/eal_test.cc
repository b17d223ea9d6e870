// SPDX-License-Identifier: Apache-2.0
// One process, one start of EAL: the tests share it and run in this order.
#include "io/eal.h"

#include <gtest/gtest.h>
#include <rte_eal.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

namespace sluice::io {
namespace {

namespace fs = std::filesystem;

unsigned first_cpu() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  for (unsigned c = 0; c < CPU_SETSIZE; ++c)
    if (CPU_ISSET(c, &set)) return c;
  return 0;
}

TEST(eal, refuses_cores_that_are_not_there_or_named_twice) {
  {
    const Eal eal{{.cores = {9999}}};
    EXPECT_FALSE(eal.ok());
    EXPECT_TRUE(eal.error().starts_with("worker core 9999 is not there: this process may use CPUs "));
  }
  const Eal eal{{.cores = {first_cpu(), first_cpu()}}};
  EXPECT_NE(eal.error().find("is named twice"), std::string::npos);
}

TEST(eal, hugepages_that_must_be_there_and_are_not_are_explained) {
  const Eal eal{{.cores = {first_cpu()}, .hugepages = Hugepages::on, .memory_mb = 4'000'000}};
  EXPECT_FALSE(eal.ok());
  EXPECT_NE(eal.error().find("type  sysctl -w vm.nr_hugepages="), std::string::npos) << eal.error();
}

TEST(eal, a_pci_device_without_hugepages_is_refused_before_anything_starts) {
  const Eal eal{{.cores = {first_cpu()}, .memory_mb = 4'000'000, .pci = {"0000:3b:00.0"}}};
  EXPECT_NE(eal.error().find("a PCI device needs hugepages"), std::string::npos) << eal.error();
}

TEST(eal, arguments_keep_everything_in_memory_or_without_shared_configuration) {
  const EalOptions o{
      .cores = {3, 1}, .memory_mb = 64, .virtio_user = true, .extra = {"--log-level", "pmd:8"}};
  const auto has = [](const std::vector<std::string>& a, const char* word) {
    return std::find(a.begin(), a.end(), word) != a.end();
  };
  const auto huge = Eal::arguments(o, true), small = Eal::arguments(o, false);
  EXPECT_TRUE(has(huge, "--in-memory"));
  EXPECT_TRUE(has(huge, "--single-file-segments"));
  EXPECT_FALSE(has(huge, "--no-huge"));
  EXPECT_TRUE(has(small, "--no-huge"));
  EXPECT_TRUE(has(small, "--no-shconf"));
  EXPECT_FALSE(has(small, "--in-memory"));
  EXPECT_TRUE(has(small, "--no-pci"));
  EXPECT_TRUE(has(small, "pmd:8"));
  EXPECT_TRUE(has(small, ("sluice-" + std::to_string(getpid())).c_str()));
  EXPECT_TRUE(small[1].ends_with(",1@3,2@1")) << small[1];
}

struct Seen {
  std::atomic<int> cpu{-1};
};

TEST(eal, starts_runs_a_worker_on_its_core_and_leaves_nothing_behind) {
  std::string dir;
  fs::path stale;
  {
    Eal eal{{.cores = {first_cpu()}, .hugepages = Hugepages::off, .memory_mb = 64}};
    ASSERT_TRUE(eal.ok()) << eal.error();
    EXPECT_TRUE(eal.warnings().empty()) << "hugepages were not asked for";
    EXPECT_EQ(eal.workers(), 1u);
    dir = rte_eal_get_runtime_dir();
    EXPECT_TRUE(fs::exists(dir + "/dpdk_telemetry.v2")) << "DPDK's own telemetry answers";
    Seen seen;
    ASSERT_TRUE(eal.launch(
        0,
        [](void* arg) {
          static_cast<Seen*>(arg)->cpu = sched_getcpu();
          return 0;
        },
        &seen));
    eal.join(0);
    EXPECT_EQ(seen.cpu.load(), static_cast<int>(first_cpu()));
  }
  EXPECT_FALSE(fs::exists(dir));
}

}  // namespace
}  // namespace sluice::io
