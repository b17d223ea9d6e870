// SPDX-License-Identifier: Apache-2.0
// Which number each port has, and each VRF. Ports: devices first, in the order of the configuration, then
// ports with a parent. A port keeps its number for as long as the process lives; that of one taken away is
// given to another later, of the same VRF, for somebody may still hold packets of the old one. A VRF's number
// is never given to another: connections may outlive its last port.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "link/vlan.h"

namespace sluice::app {

class PortTable {
 public:
  struct Slot {
    std::string name;  // empty: nobody's for now
    uint16_t device = 0;
    std::optional<link::Tags> tags;  // none: the device's own frames
    uint16_t vrf = 0;                // of a port that is nobody's: that of the last
    friend bool operator==(const Slot&, const Slot&) = default;
  };

  PortTable() = default;
  explicit PortTable(const config::Config& c) { add(c); }
  // Of a configuration with the same devices.
  PortTable following(const config::Config&) const;
  // This one, with the slots that `next` has more, still nobody's.
  PortTable grown(const PortTable& next) const;

  // Whether number i is the same port in `next`, if it has one there at all: under another name it is
  // another, and nothing counted of the one is the other's.
  bool keeps(size_t i, const PortTable& next) const;

  size_t size() const { return slots_.size(); }
  size_t devices() const { return devices_; }
  const Slot& operator[](size_t number) const { return slots_[number]; }
  // Of a port that the configuration has: it was checked.
  uint16_t number(const std::string& name) const;
  // Numbers that a process gives at most; nothing may be made of a table that has more.
  static constexpr size_t vrfs_most = 1024, ports_most = 4096;
  // By number; 0 is the default one.
  const std::vector<std::string>& vrfs() const { return vrfs_; }
  // Of a VRF that the configuration has: it was checked.
  uint16_t vrf(const std::string& name) const;
  // What the configuration says of a port; null: it is nobody's.
  const config::Port* find(const config::Config&, size_t number) const;

 private:
  void add(const config::Config&);
  void name_vrfs(const config::Config&);

  std::vector<Slot> slots_;
  size_t devices_ = 0;
  std::vector<std::string> vrfs_{config::default_vrf};
};

}  // namespace sluice::app
