// SPDX-License-Identifier: Apache-2.0
// Frames with tags between a trunk and the ports behind it, with a device that helps and one that does not.
#include "link/vlan.h"

#include "link/link.h"
#include "support/frames.h"
#include "support/tags.h"

namespace sluice::link {
namespace {

using test::Octets;
using wire::EtherType;

constexpr uint16_t dot1q = 0x8100, dot1ad = 0x88a8;

// A device's queue: gives what was put in, keeps what is sent, with what was asked of the device.
class Wire final : public buf::NetPort {
 public:
  void rx(buf::Batch& in) override { in = std::move(arriving); }
  void tx(buf::Batch& out) override {
    for (buf::Packet& p : out) {
      const bool asked = (p.raw()->ol_flags & RTE_MBUF_F_TX_VLAN) != 0;
      sent.push_back({test::copy(p.bytes()), asked ? int{p.raw()->vlan_tci} : -1, p.l2_len()});
    }
    out.clear();
  }
  bool pass_on(buf::Packet& p) override {
    passed.push_back({test::copy(p.bytes()), (p.raw()->ol_flags & RTE_MBUF_F_TX_VLAN) != 0, p.l2_len()});
    if (ours) return false;
    p = buf::Packet{};
    return true;
  }
  struct Sent {
    Octets frame;
    int tci;  // asked of the device; -1: nothing
    size_t l2_len;
  };
  buf::Batch arriving;
  std::vector<Sent> sent, passed;
  bool ours = false;  // what is passed on belongs to this worker
};

class Vlans : public test::PacketTest {
 protected:
  Vlans() {
    SubPort* all[] = {&hundred, &two, &other};
    trunk.sub_ports(all);
  }
  void TearDown() override { wire.arriving.clear(); }

  // `tci`: of a tag that the device took off.
  void arrives(const Octets& frame, int tci = -1) {
    buf::Packet p = test::packet_of(frame);
    if (tci >= 0) {
      p.raw()->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
      p.raw()->vlan_tci = static_cast<uint16_t>(tci);
    }
    wire.arriving.push(std::move(p));
  }
  // Whatever came by a port in one turn.
  static std::vector<Octets> take(buf::NetPort& port) {
    buf::Batch in;
    port.rx(in);
    std::vector<Octets> all;
    for (const buf::Packet& p : in) {
      EXPECT_FALSE(p.vlan_stripped());
      all.push_back(test::copy(p.bytes()));
    }
    return all;
  }
  void turn() {
    untagged = take(trunk);
    by_hundred = take(hundred);
    by_two = take(two);
    by_other = take(other);
  }

  Counters count;
  Wire wire;
  Trunk trunk{wire, count};
  SubPort hundred{{.vlan = 100}, false, count};
  SubPort two{{.vlan = 100, .outer_vlan = 200}, false, count};
  SubPort other{{.vlan = 7, .outer_vlan = 200, .outer_type = EtherType::Vlan}, false, count};
  std::vector<Octets> untagged, by_hundred, by_two, by_other;
  const Octets plain = test::frame(Octets(46, 0x5a));
};

TEST_F(Vlans, each_frame_comes_by_the_port_of_its_tags_and_without_them) {
  arrives(plain);
  arrives(test::with_tags(plain, {{dot1q, 100}}));
  arrives(test::with_tags(plain, {{dot1q, 0xe064}}));  // a priority beside the VLAN
  arrives(test::with_tags(plain, {{dot1ad, 200}, {dot1q, 100}}));
  arrives(test::with_tags(plain, {{dot1q, 200}, {dot1q, 7}}));
  arrives(plain);
  turn();
  EXPECT_EQ(untagged, (std::vector<Octets>{plain, plain}));
  EXPECT_EQ(by_hundred, (std::vector<Octets>{plain, plain}));
  EXPECT_EQ(by_two, std::vector<Octets>{plain});
  EXPECT_EQ(by_other, std::vector<Octets>{plain});
  EXPECT_EQ(count[Counter::link_vlan], 0u);
  EXPECT_EQ(hundred.received.packets, 2u);
  EXPECT_EQ(hundred.received.octets, 120u);
}

TEST_F(Vlans, a_tag_that_the_device_took_off_counts_like_one_in_the_frame) {
  arrives(plain, 100);
  arrives(test::with_tags(plain, {{dot1q, 100}}), 200);
  arrives(plain, 0);
  arrives(plain, 101);
  arrives(test::with_tags(plain, {{dot1q, 7}}), 7);
  turn();
  EXPECT_EQ(by_hundred, std::vector<Octets>{plain});
  EXPECT_EQ(by_two, std::vector<Octets>{plain});
  EXPECT_EQ(untagged, std::vector<Octets>{plain}) << "a priority";
  EXPECT_EQ(count[Counter::link_vlan], 2u);
}

TEST_F(Vlans, a_tag_of_vlan_0_is_a_priority_and_no_vlan) {
  arrives(test::with_tags(plain, {{dot1q, 0x6000}}));
  arrives(test::with_tags(plain, {{dot1ad, 200}, {dot1q, 0}, {dot1q, 100}}));
  arrives(test::with_tags(plain, {{dot1q, 0}, {dot1q, 100}}));
  turn();
  EXPECT_EQ(untagged, std::vector<Octets>{plain});
  EXPECT_EQ(by_two, std::vector<Octets>{plain});
  EXPECT_EQ(by_hundred, std::vector<Octets>{plain});
}

TEST_F(Vlans, what_is_nobodys_dies_counted) {
  const Octets bad[] = {
      test::with_tags(plain, {{dot1q, 101}}), test::with_tags(plain, {{dot1ad, 200}}),
      test::with_tags(plain, {{dot1ad, 100}, {dot1q, 200}}),
      test::with_tags(plain, {{dot1ad, 200}, {dot1q, 100}, {dot1q, 5}}),
      test::with_tags(plain, {{dot1q, 0}, {dot1q, 0}, {dot1q, 0}, {dot1q, 0}, {dot1q, 100}})};
  for (const Octets& f : bad) arrives(f);
  const Octets whole = test::with_tags(plain, {{dot1q, 100}});
  for (size_t cut = 14; cut < 18; ++cut)
    arrives({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(cut)});
  turn();
  EXPECT_EQ(count[Counter::link_vlan], std::size(bad) + 4);
  EXPECT_TRUE(untagged.empty() && by_hundred.empty() && by_two.empty() && by_other.empty());
}

TEST_F(Vlans, what_a_port_sends_leaves_with_its_tags) {
  const auto send = [&](SubPort& p) {
    buf::Batch b;
    buf::Packet packet = test::packet_of(plain);
    packet.l2_len(14);
    b.push(std::move(packet));
    p.tx(b);
    EXPECT_TRUE(b.empty());
  };
  send(hundred);
  send(two);
  send(other);
  ASSERT_EQ(wire.sent.size(), 3u);
  EXPECT_EQ(wire.sent[0].frame, test::with_tags(plain, {{dot1q, 100}}));
  EXPECT_EQ(wire.sent[0].l2_len, 18u) << "where checksum offload looks for the packet";
  EXPECT_EQ(wire.sent[1].frame, test::with_tags(plain, {{dot1ad, 200}, {dot1q, 100}}));
  EXPECT_EQ(wire.sent[1].l2_len, 22u);
  EXPECT_EQ(wire.sent[2].frame, test::with_tags(plain, {{dot1q, 200}, {dot1q, 7}}));
  EXPECT_EQ(hundred.sent.packets, 1u);
  EXPECT_EQ(hundred.sent.octets, 60u);
}

// Fragments whose flow lives on another worker: that one reads tags from the frame alone.
TEST_F(Vlans, what_is_passed_to_another_worker_has_its_tags_and_what_stays_has_none) {
  SubPort asked{{.vlan = 9}, true, count};
  SubPort* all[] = {&two, &asked};
  trunk.sub_ports(all);
  const auto pass = [&](SubPort& p, buf::Packet& packet) {
    packet = test::packet_of(plain);
    packet.l2_len(14);
    return p.pass_on(packet);
  };
  buf::Packet packet;
  EXPECT_TRUE(pass(two, packet));
  EXPECT_TRUE(pass(asked, packet));
  wire.ours = true;
  EXPECT_FALSE(pass(two, packet));
  ASSERT_EQ(wire.passed.size(), 3u);
  EXPECT_EQ(wire.passed[0].frame, test::with_tags(plain, {{dot1ad, 200}, {dot1q, 100}}));
  EXPECT_EQ(wire.passed[0].l2_len, 22u) << "where the flow's addresses are looked for";
  EXPECT_EQ(wire.passed[1].frame, test::with_tags(plain, {{dot1q, 9}}));
  EXPECT_EQ(wire.passed[1].tci, 0) << "no device comes between";
  EXPECT_EQ(test::copy(packet.bytes()), plain);
  EXPECT_EQ(packet.l2_len(), 14u);
}

TEST_F(Vlans, a_device_that_inserts_a_tag_is_asked_to) {
  SubPort one{{.vlan = 100}, true, count}, ad{{.vlan = 100, .outer_vlan = 200}, true, count},
      q{{.vlan = 7, .outer_vlan = 200, .outer_type = EtherType::Vlan}, true, count};
  SubPort* all[] = {&one, &ad, &q};
  trunk.sub_ports(all);
  for (SubPort* p : all) {
    buf::Batch b;
    b.push(test::packet_of(plain));
    p->tx(b);
  }
  ASSERT_EQ(wire.sent.size(), 3u);
  EXPECT_EQ(wire.sent[0].frame, plain);
  EXPECT_EQ(wire.sent[0].tci, 100);
  EXPECT_EQ(wire.sent[1].frame, test::with_tags(plain, {{dot1ad, 200}, {dot1q, 100}}))
      << "0x88a8 is ours to write";
  EXPECT_EQ(wire.sent[1].tci, -1);
  EXPECT_EQ(wire.sent[2].frame, test::with_tags(plain, {{dot1q, 7}}));
  EXPECT_EQ(wire.sent[2].tci, 200);
}

TEST_F(Vlans, ports_come_and_go_between_two_turns) {
  SubPort* left[] = {&two};
  trunk.sub_ports(left);
  arrives(test::with_tags(plain, {{dot1q, 100}}));
  arrives(test::with_tags(plain, {{dot1ad, 200}, {dot1q, 100}}));
  turn();
  EXPECT_TRUE(by_hundred.empty());
  EXPECT_EQ(by_two, std::vector<Octets>{plain});
  EXPECT_EQ(count[Counter::link_vlan], 1u);
  buf::Batch b;
  b.push(test::packet_of(plain));
  hundred.tx(b);
  ASSERT_EQ(wire.sent.size(), 1u) << "last words";
  EXPECT_EQ(wire.sent[0].frame, test::with_tags(plain, {{dot1q, 100}}));
  wire.sent.clear();
  trunk.let_go();
  b.push(test::packet_of(plain));
  hundred.tx(b);
  EXPECT_TRUE(wire.sent.empty()) << "a port that was taken away sends nothing";
  EXPECT_EQ(count[Counter::link_vlan], 2u);
  SubPort* again[] = {&two, &hundred};
  trunk.sub_ports(again);
  arrives(test::with_tags(plain, {{dot1q, 100}}));
  turn();
  EXPECT_EQ(by_hundred, std::vector<Octets>{plain});
}

TEST_F(Vlans, a_port_without_vlans_takes_priority_tags_and_no_others) {
  Options options;
  Rng rng{1};
  const std::vector<buf::Interface> ports{{{.mac = test::our_mac}, {{test::us, 24}}}};
  Link room{options, ports, true, test::packet_pool(), count, rng};
  In in;
  buf::Batch b;
  b.push(test::packet_of(test::with_tags(plain, {{dot1q, 0xa000}})));
  b.push(test::packet_of(test::with_tags(plain, {{dot1q, 100}})));
  b.push(test::packet_of(plain));
  room.input(0, b, in);
  ASSERT_EQ(in.ip4.size(), 2u);
  EXPECT_EQ(test::copy(in.ip4[0].bytes()), plain);
  EXPECT_EQ(count[Counter::link_vlan], 1u);
}

}  // namespace
}  // namespace sluice::link
