// SPDX-License-Identifier: Apache-2.0
#include "link/vlan.h"

#include <algorithm>
#include <cstring>

#include "base/prefetch.h"

namespace sluice::link {

using buf::Batch;
using buf::Packet;
using wire::EtherType;

namespace {

constexpr size_t macs = 12, tag_len = 4;
constexpr uint16_t vlan_mask = 0x0fff;

bool is_tag(uint16_t type) {
  return type == static_cast<uint16_t>(EtherType::Vlan) || type == static_cast<uint16_t>(EtherType::QinQ);
}

}  // namespace

TagsFound find_tags(const Packet& p) {
  TagsFound found;
  const auto add = [&found](uint16_t tci) {
    if ((tci & vlan_mask) == 0) return true;
    if (found.count == found.vlan.size()) return false;
    found.vlan[found.count++] = tci & vlan_mask;
    return true;
  };
  if (p.vlan_stripped()) add(p.vlan_tci());
  const Bytes b = p.bytes();
  // Of VLAN 0 there may be any number; no more than the frame's start is looked at.
  constexpr size_t tags_most = 4;
  for (size_t at = macs, n = 0;; at += tag_len, ++n) {
    found.fits = b.size() >= at + 2;
    if (!found.fits || !is_tag(load_be<uint16_t>(b.data() + at))) break;
    found.fits = n < tags_most && b.size() >= at + tag_len + 2 && add(load_be<uint16_t>(b.data() + at + 2));
    if (!found.fits) break;
    found.octets = static_cast<uint16_t>(found.octets + tag_len);
  }
  return found;
}

void take_tags_off(Packet& p, uint16_t octets) {
  p.forget_vlan();
  if (octets == 0) return;
  std::memmove(p.data() + octets, p.data(), macs);
  p.drop_front(octets);
}

SubPort::SubPort(const Tags& tags, bool device_inserts, Counters& count)
    : tags_{tags}, device_inserts_{device_inserts}, count_{count} {}

void SubPort::rx(Batch& in) {
  if (waiting_.empty()) return;
  uint64_t octets = 0;
  for (const Packet& p : waiting_) octets += p.size();
  received.add(waiting_.size(), octets);
  in = std::move(waiting_);
  waiting_.clear();
}

// False: there is no room in front.
bool SubPort::tag(Packet& p, bool device_inserts) const {
  struct Tag {
    EtherType type;
    uint16_t vlan;
  };
  const bool two = tags_.outer_vlan != 0;
  const Tag outer = two ? Tag{tags_.outer_type, tags_.outer_vlan} : Tag{EtherType::Vlan, tags_.vlan};
  const bool by_device = device_inserts && outer.type == EtherType::Vlan;
  std::array<Tag, 2> written;
  size_t n = 0;
  if (!by_device) written[n++] = outer;
  if (two) written[n++] = {EtherType::Vlan, tags_.vlan};
  if (n != 0) {
    uint8_t* const front = p.prepend(static_cast<uint16_t>(n * tag_len));
    if (front == nullptr) return false;
    std::memmove(front, front + n * tag_len, macs);
    for (size_t i = 0; i < n; ++i) {
      store_be<uint16_t>(front + macs + i * tag_len, static_cast<uint16_t>(written[i].type));
      store_be<uint16_t>(front + macs + i * tag_len + 2, written[i].vlan);
    }
    p.l2_len(static_cast<uint8_t>(p.l2_len() + n * tag_len));
  }
  if (by_device) p.offload_vlan(outer.vlan);
  return true;
}

void SubPort::tx(Batch& out) {
  if (trunk_ == nullptr) {  // nobody's port any more
    count_.add(Counter::link_vlan, out.size());
    return out.clear();
  }
  uint64_t octets = 0;
  Batch good;
  for (Packet& p : out) {
    const uint32_t size = p.size();
    if (!tag(p, device_inserts_)) {
      count_.add(Counter::link_no_headroom);
      continue;
    }
    octets += size;
    good.push(std::move(p));
  }
  out.clear();
  sent.add(good.size(), octets);
  trunk_->tx(good);
}

bool SubPort::pass_on(Packet& p) {
  const auto l2 = static_cast<uint8_t>(p.l2_len());
  if (trunk_ == nullptr || !tag(p, false)) return false;
  if (trunk_->pass_on(p)) return true;
  take_tags_off(p, static_cast<uint16_t>(p.l2_len() - l2));
  p.l2_len(l2);
  return false;
}

void Trunk::rx(Batch& in) {
  under_.rx(in);
  constexpr size_t ahead = 4;
  for (size_t i = 0; i < in.size(); ++i) {
    if (i + ahead < in.size()) prefetch(in[i + ahead].data());
    if (tagged(in[i])) [[unlikely]]
      return deal(in);
  }
}

void Trunk::deal(Batch& in) {
  Batch untagged;
  for (Packet& p : in) {
    if (!tagged(p)) {
      untagged.push(std::move(p));
      continue;
    }
    const TagsFound found = find_tags(p);
    SubPort* const to = found.fits && found.count != 0 ? find(found) : nullptr;
    if (!found.fits || (found.count != 0 && (to == nullptr || to->waiting_.full()))) {
      count_.add(Counter::link_vlan);
      p = Packet{};
      continue;
    }
    take_tags_off(p, found.octets);
    (to == nullptr ? untagged : to->waiting_).push(std::move(p));
  }
  in = std::move(untagged);
}

SubPort* Trunk::find(const TagsFound& found) const {
  if (found.count == 1) return single_[found.vlan[0]];
  const uint32_t wanted = key(found.vlan[0], found.vlan[1]);
  const auto at = std::ranges::lower_bound(pairs_, wanted, {}, &Pair::vlans);
  return at != pairs_.end() && at->vlans == wanted ? at->port : nullptr;
}

void Trunk::sub_ports(std::span<SubPort* const> all) {
  const auto leave = [&](SubPort* p) {
    if (p == nullptr) return;
    p->waiting_.clear();
    if (std::ranges::find(all, p) == all.end()) leaving_.push_back(p);
  };
  for (SubPort*& p : single_) leave(std::exchange(p, nullptr));
  for (const Pair& p : pairs_) leave(p.port);
  pairs_.clear();
  for (SubPort* p : all) {
    p->trunk_ = this;
    const Tags& t = p->tags_;
    if (t.outer_vlan == 0)
      single_[t.vlan] = p;
    else
      pairs_.push_back({key(t.outer_vlan, t.vlan), p});
  }
  std::ranges::sort(pairs_, {}, &Pair::vlans);
}

void Trunk::let_go() {
  for (SubPort* p : leaving_) p->trunk_ = nullptr;
  leaving_.clear();
}

}  // namespace sluice::link
