// SPDX-License-Identifier: Apache-2.0
// VLANs: IEEE 802.1Q, and two tags as of 802.1ad ("QinQ"). The frames of a port that carry certain tags are
// those of another port, which is like any other to the rooms above: a Trunk in front of the one deals them
// out, a SubPort is where the other gets and sends them. Either tag may be the device's work.
//
// Tags are told apart by their VLANs alone: not every driver says of which type (0x8100, 0x88a8) a tag was.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/lines.h"
#include "buf/port.h"
#include "wire/ethernet.h"

namespace sluice::link {

struct Tags {
  uint16_t vlan = 1;        // 1 to 4094; of two tags the inner
  uint16_t outer_vlan = 0;  // 0: one tag
  wire::EtherType outer_type = wire::EtherType::QinQ;
  friend bool operator==(const Tags&, const Tags&) = default;
};

// The VLANs a received frame says, tags of VLAN 0 (IEEE 802.1Q §6.9: a priority, no VLAN) left out.
struct TagsFound {
  std::array<uint16_t, 2> vlan{};  // from the outside in
  size_t count = 0;
  uint16_t octets = 0;  // of the frame that are tags
  bool fits = true;     // false: more than two tags, or the frame ends in them
};
TagsFound find_tags(const buf::Packet&);
// Takes the first so many octets of tags off, and forgets what the device took off before.
void take_tags_off(buf::Packet&, uint16_t octets);
// Whether find_tags() could find any.
inline bool tagged(const buf::Packet& p) {
  const auto type = static_cast<wire::EtherType>(load_be<uint16_t>(p.data() + 12));
  return p.vlan_stripped() || type == wire::EtherType::Vlan || type == wire::EtherType::QinQ;
}

class Trunk;

// One worker's side of a port with tags.
class alignas(cache_line) SubPort final : public buf::NetPort {
 public:
  // `device_inserts`: the device puts a tag of type 0x8100 in front when asked. Counters outlive this.
  SubPort(const Tags&, bool device_inserts, Counters&);

  void rx(buf::Batch& in) override;
  void tx(buf::Batch& out) override;
  // With its tags, for whoever gets it reads it as it came.
  bool pass_on(buf::Packet&) override;

  const Tags& tags() const { return tags_; }

  // Counted by its worker alone; any thread may read.
  struct Numbers {
    std::atomic<uint64_t> packets{0}, octets{0};
    void add(uint64_t p, uint64_t o) {
      packets.store(packets.load(std::memory_order_relaxed) + p, std::memory_order_relaxed);
      octets.store(octets.load(std::memory_order_relaxed) + o, std::memory_order_relaxed);
    }
  };
  Numbers received, sent;  // octets without tags

 private:
  friend class Trunk;
  bool tag(buf::Packet&, bool device_inserts) const;

  Tags tags_;
  bool device_inserts_;
  Counters& count_;
  Trunk* trunk_ = nullptr;
  buf::Batch waiting_;
};
static_assert(owns_its_lines<SubPort>, "a reload makes them one worker's behind the other's");

// In front of one worker's port. Costs untagged frames two compares.
class Trunk final : public buf::NetPort {
 public:
  // Both outlive the trunk.
  Trunk(buf::NetPort& under, Counters& count) : under_{under}, count_{count}, single_(4096) {}

  // What is untagged. Frames with tags wait at their sub-ports, whose rx() is to be called before this one's
  // next; those of VLANs that nobody has die, counted.
  void rx(buf::Batch& in) override;
  void tx(buf::Batch& out) override { under_.tx(out); }
  void offer(buf::Batch& out) override { under_.offer(out); }
  bool pass_on(buf::Packet& p) override { return under_.pass_on(p); }

  // From now on these, between two turns. They outlive their being here. Those that are not among them any
  // more get nothing; they may send last words until let_go().
  void sub_ports(std::span<SubPort* const>);
  void let_go();

 private:
  struct Pair {
    uint32_t vlans;  // outer, inner
    SubPort* port;
  };
  static uint32_t key(uint16_t outer, uint16_t inner) { return uint32_t{outer} << 12 | inner; }
  SubPort* find(const TagsFound&) const;
  void deal(buf::Batch& in);

  buf::NetPort& under_;
  Counters& count_;
  std::vector<SubPort*> single_;  // [vlan]
  std::vector<Pair> pairs_;       // sorted
  std::vector<SubPort*> leaving_;
};

// The ports that a worker's stack gets, and which of them hang on which trunk.
struct Wiring {
  struct Plugs {
    Trunk* trunk;
    std::vector<SubPort*> ports;
  };
  std::vector<buf::NetPort*> ports;  // [port]
  std::vector<Plugs> trunks;
  void plug() const {
    for (const Plugs& p : trunks) p.trunk->sub_ports(p.ports);
  }
  // After plug(), when those that are plugged no more have said their last.
  void let_go() const {
    for (const Plugs& p : trunks) p.trunk->let_go();
  }
};

}  // namespace sluice::link
