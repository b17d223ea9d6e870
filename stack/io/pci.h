// SPDX-License-Identifier: Apache-2.0
// Whether a NIC may be handed to DPDK, as /sys tells it. Knows no DPDK.
#pragma once

#include <string>

namespace sluice::io {

// What keeps DPDK from the PCI device, and what to type; empty: nothing. To be asked before EAL probes it:
// some DPDK drivers reset a device that the kernel is using.
std::string pci_trouble(const std::string& address, const std::string& devices = "/sys/bus/pci/devices");

}  // namespace sluice::io
