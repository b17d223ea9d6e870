// SPDX-License-Identifier: Apache-2.0
#include "io/pci.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace sluice::io {
namespace {

namespace fs = std::filesystem;

// The first three give the device away; beside the others, which are bifurcated, DPDK works with the kernel.
constexpr std::array<std::string_view, 6> good_drivers{"vfio-pci",  "uio_pci_generic", "igb_uio",
                                                       "mlx4_core", "mlx5_core",       "mana"};

}  // namespace

std::string pci_trouble(const std::string& address, const std::string& devices) {
  const fs::path device = fs::path{devices} / address;
  std::error_code ec;
  if (!fs::exists(device, ec))
    return "there is no PCI device " + address +
           ": type  dpdk-devbind.py --status-dev net  to see those there are";
  const std::string driver = fs::read_symlink(device / "driver", ec).filename();
  const std::string bind = "modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci " + address;
  if (driver.empty()) return address + " is bound to no driver: type  " + bind;
  if (std::ranges::find(good_drivers, driver) == good_drivers.end())
    return address + " is still bound to the kernel's driver " + driver + ": type  " + bind;
  return {};
}

}  // namespace sluice::io
