// SPDX-License-Identifier: Apache-2.0
#include "ip/virtual_reassembly.h"

#include <optional>

#include "base/rng.h"
#include "support/frames.h"

namespace sluice::ip {
namespace {

using test::peer;
using test::us;

class VirtualReassemblyTest : public test::PacketTest {
 protected:
  struct Spec {
    bool first = false;
    uint32_t ports = 0;
    uint32_t id = 1;
    Ip4Addr src = peer;
    uint8_t mark = 0;  // the packet's only octet
  };
  void add(const Spec& s) {
    if (!room) {
      test::start_eal();
      room.emplace(options, SipKey{1, 2}, count);
    }
    room->add(test::packet_of(test::Octets{s.mark}), {{s.src, us, s.id, 17}, s.first, s.ports}, now);
  }
  // What may go on: its octets, and the ports it goes by.
  std::vector<std::pair<uint8_t, uint32_t>> taken() {
    std::vector<std::pair<uint8_t, uint32_t>> all;
    for (buf::Batch b; room->take(b); b.clear())
      for (const buf::Packet& p : b) {
        EXPECT_TRUE(p.knows_flow());
        all.emplace_back(p.data()[0], p.flow_ports());
      }
    return all;
  }
  void TearDown() override { room.reset(); }
  using Taken = std::vector<std::pair<uint8_t, uint32_t>>;

  Options options;
  Counters count;
  std::optional<VirtualReassembly> room;
  Instant now{1'000'000'000};
};

TEST_F(VirtualReassemblyTest, later_fragments_follow_the_first_at_once) {
  add({.first = true, .ports = 77, .mark = 1});
  add({.mark = 2});
  add({.mark = 3});
  EXPECT_EQ(taken(), (Taken{{1, 77}, {2, 77}, {3, 77}}));
  EXPECT_EQ(room->pieces().packets(), 0u);
}

TEST_F(VirtualReassemblyTest, those_before_the_first_wait_for_it_and_keep_their_order_behind_it) {
  add({.mark = 2});
  add({.mark = 3});
  EXPECT_EQ(taken(), Taken{});
  EXPECT_EQ(room->pieces().packets(), 2u);
  add({.first = true, .ports = 5, .mark = 1});
  add({.mark = 4});
  EXPECT_EQ(taken(), (Taken{{1, 5}, {2, 5}, {3, 5}, {4, 5}}));
  EXPECT_EQ(count[Counter::ip_fragments_held], 2u);
}

TEST_F(VirtualReassemblyTest, an_identification_used_again_follows_the_new_first_one) {
  add({.first = true, .ports = 1, .mark = 1});
  add({.first = true, .ports = 2, .mark = 2});
  add({.mark = 3});
  EXPECT_EQ(taken(), (Taken{{1, 1}, {2, 2}, {3, 2}}));
}

TEST_F(VirtualReassemblyTest, those_whose_first_does_not_come_go_with_time) {
  add({.mark = 1});
  add({.id = 2, .src = Ip4Addr::of(1, 2, 3, 4), .mark = 2});
  EXPECT_EQ(room->deadline(), now + options.follow_time);
  now = now + options.follow_time;
  room->expire(now);
  EXPECT_EQ(count[Counter::ip_fragment_timeout], 2u);
  EXPECT_EQ(room->deadline(), Instant::never());
  EXPECT_EQ(taken(), Taken{});
}

TEST_F(VirtualReassemblyTest, a_flood_leaves_memory_flat_and_others_alone) {
  options.follow_packets = 64;
  options.follow_datagrams = 128;
  options.follow_per_source = 32;
  const Ip4Addr honest = Ip4Addr::of(198, 18, 0, 77);
  add({.id = 9, .src = honest, .mark = 7});
  const uint32_t before = test::packet_pool().packets_free();
  for (uint32_t id = 100; id < 20'000; ++id) add({.id = id});
  EXPECT_LE(before - test::packet_pool().packets_free(), 16u) << "a packet and a datagram each";
  add({.first = true, .ports = 3, .id = 9, .src = honest, .mark = 6});
  EXPECT_EQ(taken(), (Taken{{6, 3}, {7, 3}}));
  Rng rng{3};
  for (uint32_t id = 0; id < 20'000; ++id) add({.id = id, .src = {static_cast<uint32_t>(rng())}});
  EXPECT_LE(before - test::packet_pool().packets_free(), 64u);
  EXPECT_EQ(taken(), Taken{});
}

}  // namespace
}  // namespace sluice::ip
