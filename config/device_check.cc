// SPDX-License-Identifier: Apache-2.0
#include "config/device_check.h"

#include <map>
#include <string>
#include <tuple>

#include "config/codec.h"

namespace sluice::config {
namespace {

class DeviceChecker {
 public:
  DeviceChecker(const Config& c, const Places& places, const Environment& env, const Networks& ports,
                bool known, std::vector<Complaint>& out)
      : c_{c}, places_{places}, env_{env}, ports_{ports}, known_{known}, out_{out} {}

  void run() {
    std::map<std::string, size_t> seen;
    for (size_t i = 0; i < c_.ports.size(); ++i) {
      if (c_.ports[i].parent) {
        check_sub_port(c_.ports[i]);
        continue;
      }
      check_no_tags(i);
      const io::DeviceOptions& d = c_.ports[i].device;
      check_bond(d);
      if (d.members.empty()) check_device(d, i, seen);
      for (const io::DeviceOptions& member : d.members) check_device(member, i, seen);
    }
  }

 private:
  void add(const Place* at, std::string wrong, std::string right) {
    out_.push_back({at->line, at->column, std::move(wrong), std::move(right)});
  }

  void check_device(const io::DeviceOptions& d, size_t port, std::map<std::string, size_t>& seen) {
    const Place* at = places_.find(d);
    if (!at) return;
    if (d.kind == io::DeviceKind::pcap && env_.file_exists && !env_.file_exists(c_.path(d.target)))
      add(at, "there is no file '" + c_.path(d.target) + "'", "the path of a capture file");
    if (d.kind == io::DeviceKind::null || d.kind == io::DeviceKind::bond) return;
    // A kernel interface is the same one whichever socket family reads it.
    const bool kernel = d.kind == io::DeviceKind::af_packet || d.kind == io::DeviceKind::af_xdp;
    const std::string key = std::string{kernel ? "kernel" : form_of(d.kind).name} + ":" + d.target;
    const auto [other, fresh] = seen.emplace(key, port);
    if (!fresh)
      add(at, "'" + d.target + "' is the device of port '" + c_.ports[other->second].name + "' already",
          "a device of its own");
  }

  void check_bond(const io::DeviceOptions& d) {
    const Place* at = places_.find(d);
    if (!at) return;
    const bool bond = d.kind == io::DeviceKind::bond;
    if (bond && d.members.empty()) add(at, "the bond has no members", "'members:' with two devices or more,");
    if (!bond && !d.members.empty())
      add(at, std::string{"'members' belong to a bond, not to "} + form_of(d.kind).name,
          "{ bond: active-backup, members: [...] }");
    for (const io::DeviceOptions& member : d.members) {
      using enum io::DeviceKind;
      const Place* place = places_.find(member);
      const bool possible = member.kind == pci || member.kind == tap || member.kind == af_packet;
      if (place && (!possible || !member.members.empty()))
        add(place, std::string{"a bond holds no "} + form_of(member.kind).name, "pci, tap or af_packet");
      else if (place && member.kind != d.members.front().kind)
        add(place,
            "the members of a bond are of one kind, and the first is " +
                std::string{form_of(d.members.front().kind).name},
            "another device of that kind");
    }
  }

  // A port of its own: it needs a device, and has no tags.
  void check_no_tags(size_t i) {
    const Port& p = c_.ports[i];
    const Place* at = places_.find(p);
    if (at && !places_.find(p.device))
      add(at, "ports[" + std::to_string(i) + "].device is missing",
          "'device:' with where the packets come from, or 'parent:' and 'vlan:',");
    constexpr const char *no_vlan = "a port with a device of its own has no VLAN",
                         *parent_instead = "'parent' with the port whose frames are tagged";
    for (const auto* tag : {&p.vlan, &p.outer_vlan})
      if (const Place* said = places_.find(*tag); said && *tag != 0) add(said, no_vlan, parent_instead);
    if (const Place* said = places_.find(p.outer_tag); said && p.outer_tag != Port{}.outer_tag)
      add(said, no_vlan, parent_instead);
  }

  // A port that is part of another.
  void check_sub_port(const Port& p) {
    const Place* at = places_.find(*p.parent);
    if (!at) return;
    if (const Place* device = places_.find(p.device))
      add(device, "port '" + p.name + "' has a parent and a device", "one of them");
    Fault fault;
    const auto parent = ports_.port_called(*p.parent, fault);
    if (!parent) {
      if (known_) add(at, std::move(fault.wrong), std::move(fault.right));
      return;
    }
    const Port& of = c_.ports[*parent];
    if (of.parent)
      return add(at, "port '" + of.name + "' has itself a parent",
                 "a port with a device, and 'outer_vlan' for frames with two tags,");
    // In a port with a mistake it may be the VLAN that is one, and has been told.
    if (p.vlan == 0 && places_.find(p))
      add(at, "port '" + p.name + "' has a parent and no VLAN", "'vlan' from 1 to 4094");
    if (const Place* tag = places_.find(p.outer_tag);
        tag && p.outer_vlan == 0 && p.outer_tag != Port{}.outer_tag)
      add(tag, "'outer_tag' says of which type the outer of two tags is, and port '" + p.name + "' has one",
          "'outer_vlan' from 1 to 4094, or no 'outer_tag',");
    if (const Place* mtu = places_.find(p.mtu); mtu && p.mtu > of.mtu)
      add(mtu, "port '" + of.name + "' carries packets of " + std::to_string(of.mtu) + " octets only",
          "at most as much, or a larger mtu there,");
    const Port usual;
    const auto belongs = [&](const char* key, const auto& said, const auto& by_default) {
      if (const Place* place = places_.find(said); place && said != by_default)
        add(place, std::string{"'"} + key + "' belongs to the device of port '" + of.name + "'",
            "to say it there");
    };
    if (p.mac) belongs("mac", *p.mac, Mac{});
    belongs("queues", p.queues, usual.queues);
    belongs("rx_descriptors", p.rx_descriptors, usual.rx_descriptors);
    belongs("tx_descriptors", p.tx_descriptors, usual.tx_descriptors);
    belongs("promiscuous", p.promiscuous, usual.promiscuous);
    if (const Place* place = places_.find(p.impair); place && p.impair.any())
      add(place, "'impair' belongs to the device of port '" + of.name + "'", "to say it there");
    const auto [other, fresh] = tags_.try_emplace({*p.parent, p.outer_vlan, p.vlan}, p.name);
    if (!fresh && p.vlan != 0)
      add(at, "port '" + other->second + "' has these tags of '" + of.name + "' already", "tags of its own");
  }

  const Config& c_;
  const Places& places_;
  const Environment& env_;
  const Networks& ports_;
  const bool known_;
  std::vector<Complaint>& out_;
  std::map<std::tuple<std::string, uint16_t, uint16_t>, std::string> tags_;  // of ports with parents
};

}  // namespace

void check_devices(const Config& c, const Places& places, const Environment& environment,
                   const Networks& ports, bool addresses_known, std::vector<Complaint>& out) {
  DeviceChecker{c, places, environment, ports, addresses_known, out}.run();
}

}  // namespace sluice::config
