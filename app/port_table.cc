// SPDX-License-Identifier: Apache-2.0
#include "app/port_table.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::app {
namespace {

link::Tags tags_of(const config::Port& p) {
  link::Tags t{.vlan = p.vlan, .outer_vlan = p.outer_vlan};
  if (p.outer_tag == config::OuterTag::Ieee8021q) t.outer_type = wire::EtherType::Vlan;
  return t;
}

}  // namespace

void PortTable::name_vrfs(const config::Config& c) {
  for (const config::Port& p : c.ports)
    if (std::ranges::find(vrfs_, p.vrf) == vrfs_.end()) vrfs_.push_back(p.vrf);
}

void PortTable::add(const config::Config& c) {
  name_vrfs(c);
  for (const config::Port& p : c.ports)
    if (!p.parent && devices_ == slots_.size()) {
      slots_.push_back({p.name, static_cast<uint16_t>(devices_), {}, vrf(p.vrf)});
      ++devices_;
    }
  for (const config::Port& p : c.ports)
    if (p.parent) slots_.push_back({p.name, number(*p.parent), tags_of(p), vrf(p.vrf)});
}

PortTable PortTable::following(const config::Config& c) const {
  PortTable next = *this;
  next.name_vrfs(c);
  std::vector<size_t> free;
  for (size_t i = devices_; i < slots_.size(); ++i)
    if (slots_[i].name.empty()) free.push_back(i);
  // Another port under a known name is another port: nothing of the old one is left to it. So is one in
  // another VRF.
  std::vector<Slot> wanted;
  for (const config::Port& p : c.ports)
    if (p.parent) wanted.push_back({p.name, number(*p.parent), tags_of(p), next.vrf(p.vrf)});
  for (size_t i = devices_; i < slots_.size(); ++i) {
    const auto same = std::ranges::find(wanted, slots_[i]);
    if (same == wanted.end())
      next.slots_[i].name.clear();
    else
      wanted.erase(same);
  }
  for (Slot& s : wanted) {
    const auto same = std::ranges::find(free, s.vrf, [&](size_t i) { return slots_[i].vrf; });
    if (same == free.end()) {
      next.slots_.push_back(std::move(s));
    } else {
      next.slots_[*same] = std::move(s);
      free.erase(same);
    }
  }
  return next;
}

PortTable PortTable::grown(const PortTable& next) const {
  PortTable all = *this;
  all.vrfs_ = next.vrfs_;
  for (size_t i = slots_.size(); i < next.slots_.size(); ++i)
    all.slots_.push_back({{}, next.slots_[i].device, next.slots_[i].tags, next.slots_[i].vrf});
  return all;
}

bool PortTable::keeps(size_t i, const PortTable& next) const {
  if (i >= slots_.size()) return false;
  const Slot &was = slots_[i], &is = next.slots_[i];
  return was.device == is.device && was.tags == is.tags && (is.name.empty() || was.name == is.name);
}

uint16_t PortTable::number(const std::string& name) const {
  const auto at = std::ranges::find(slots_, name, &Slot::name);
  check(at != slots_.end(), "a checked configuration names ports that there are");
  return static_cast<uint16_t>(at - slots_.begin());
}

uint16_t PortTable::vrf(const std::string& name) const {
  const auto at = std::ranges::find(vrfs_, name);
  check(at != vrfs_.end(), "a checked configuration names VRFs that there are");
  return static_cast<uint16_t>(at - vrfs_.begin());
}

const config::Port* PortTable::find(const config::Config& c, size_t number) const {
  const auto at = std::ranges::find(c.ports, slots_[number].name, &config::Port::name);
  return at == c.ports.end() ? nullptr : &*at;
}

}  // namespace sluice::app
