// SPDX-License-Identifier: Apache-2.0
#include "io/pci.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "io/eal.h"

namespace sluice::io {
namespace {

namespace fs = std::filesystem;

// A /sys/bus/pci/devices of a test's own.
class Pci : public testing::Test {
 protected:
  Pci() { fs::create_directories(devices_); }
  ~Pci() override { fs::remove_all(devices_); }
  void device(const std::string& address, const std::string& driver) const {
    fs::create_directories(devices_ / address);
    if (!driver.empty()) fs::create_symlink("../../drivers/" + driver, devices_ / address / "driver");
  }
  std::string trouble(const std::string& address) const { return pci_trouble(address, devices_); }

  fs::path devices_ = fs::temp_directory_path() / ("sluice-pci-test-" + std::to_string(getpid()));
};

TEST_F(Pci, a_device_the_kernel_uses_is_refused_with_the_command_to_type) {
  device("0000:3b:00.0", "ixgbe");
  device("0000:3b:00.1", "");
  EXPECT_EQ(trouble("0000:3b:00.0"),
            "0000:3b:00.0 is still bound to the kernel's driver ixgbe: type  modprobe vfio-pci && "
            "dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0");
  EXPECT_TRUE(trouble("0000:3b:00.1").starts_with("0000:3b:00.1 is bound to no driver: type  modprobe"));
  EXPECT_TRUE(trouble("0000:3b:00.2").starts_with("there is no PCI device 0000:3b:00.2: type  dpdk-devbind"));
}

TEST_F(Pci, a_device_for_userspace_or_shared_with_the_kernel_is_fine) {
  for (const char* driver : {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core"}) {
    device("0000:3b:00.0", driver);
    EXPECT_EQ(trouble("0000:3b:00.0"), "") << driver;
    fs::remove_all(devices_ / "0000:3b:00.0");
  }
}

TEST(PciStart, a_device_in_use_is_refused_before_dpdk_could_touch_it) {
  const Eal eal{{.hugepages = Hugepages::off, .memory_mb = 16, .pci = {"0000:ff:1f.7"}}};
  EXPECT_TRUE(eal.error().starts_with("there is no PCI device 0000:ff:1f.7")) << eal.error();
}

}  // namespace
}  // namespace sluice::io
