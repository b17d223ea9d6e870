// SPDX-License-Identifier: Apache-2.0
// ARP as a script in virtual time: what a neighbour says, what we send, and nothing else.
#include <algorithm>

#include "room.h"

namespace sluice::link {
namespace {

class LinkRoom : public LinkTest {
 protected:
  LinkRoom() : LinkTest{{{{.mac = our_mac}, {{us, 24}}}}} { restart(); }
  // After a change of `options`. Swallows what a start announces, unless asked not to.
  void restart(bool writer = true, bool quietly = true) {
    room = std::make_unique<Link>(options, ports, writer, test::packet_pool(), count, rng);
    if (!quietly) return;
    for (int i = 0; i < 10 && room->deadline() != Instant::never(); ++i) {
      now = std::max(now, room->deadline());
      room->expire(now, tx);
    }
    tx.flush();
    sent.clear();
  }
  // The next frame sent is this ARP packet to this station.
  void sends_arp(const Arp::Value& v, Mac to) {
    ASSERT_FALSE(sent.empty()) << "nothing was sent";
    const Octets f = std::move(sent.front());
    sent.erase(sent.begin());
    EXPECT_EQ(Ethernet::parse(f)->dst(), to);
    EXPECT_EQ(Ethernet::parse(f)->src(), our_mac);
    ASSERT_EQ(Ethernet::parse(f)->type(), EtherType::Arp);
    EXPECT_EQ(Arp::parse(Bytes{f}.subspan(14))->value(), v);
  }
  void sends_text(std::string_view text, Mac to) {
    ASSERT_FALSE(sent.empty()) << "nothing was sent";
    const Octets f = std::move(sent.front());
    sent.erase(sent.begin());
    EXPECT_EQ(Ethernet::parse(f)->dst(), to);
    ASSERT_EQ(Ethernet::parse(f)->type(), EtherType::Ip4);
    EXPECT_EQ(as_text(Bytes{f}.subspan(14)), text);
  }
  void quiet() const { EXPECT_TRUE(sent.empty()) << sent.size() << " frames nobody expected"; }
  std::vector<std::string> failed() {
    buf::Egresses e;
    room->take_failed(e);
    std::vector<std::string> texts;
    for (const buf::Egress& x : e) texts.emplace_back(as_text(x.packet.bytes()));
    return texts;
  }

  static Arp::Value question(Ip4Addr target = peer) { return {ArpOp::Request, our_mac, us, Mac{}, target}; }
  static Arp::Value answer(Mac m = peer_mac, Ip4Addr from = peer) {
    return {ArpOp::Reply, m, from, our_mac, us};
  }
  static Arp::Value asks_us(Mac m = peer_mac, Ip4Addr from = peer) {
    return {ArpOp::Request, m, from, Mac{}, us};
  }
  static Arp::Value announces(Mac m, Ip4Addr who = peer) { return {ArpOp::Request, m, who, Mac{}, who}; }
  static Arp::Value our_answer() { return {ArpOp::Reply, our_mac, us, peer_mac, peer}; }
  static Arp::Value our_announcement() { return {ArpOp::Request, our_mac, us, Mac{}, us}; }
  static Arp::Value our_probe() { return {ArpOp::Request, our_mac, Ip4Addr{}, Mac{}, us}; }
};

TEST_F(LinkRoom, every_frame_that_is_not_for_us_dies_of_its_own_reason) {
  const Octets body(46);
  struct Case {
    const char* claim;
    Octets frame;
    Counter why;
  };
  const Case cases[] = {
      {"thirteen octets", Octets(13), Counter::link_truncated},
      {"nothing", {}, Counter::link_truncated},
      {"for another station", test::frame(body, EtherType::Ip4, mac(77)), Counter::link_not_ours},
      {"for a group", test::frame(body, EtherType::Ip4, Mac{{1, 0, 0x5e, 0, 0, 1}}), Counter::link_multicast},
      {"from a group", test::frame(body, EtherType::Ip4, our_mac, Mac::broadcast()),
       Counter::link_bad_source},
      {"tagged", test::frame(Octets(46, 1), EtherType::Vlan), Counter::link_vlan},
      {"tagged twice", test::frame(Octets(46, 1), EtherType::QinQ), Counter::link_vlan},
      {"IPv6", test::frame(body, EtherType::Ip6), Counter::link_ip6},
      {"a length", test::frame(body, EtherType{46}), Counter::link_llc},
      {"an unknown type", test::frame(body, EtherType{0x88cc}), Counter::link_ethertype},
      {"short ARP", test::frame(Octets(27), EtherType::Arp), Counter::arp_truncated},
      {"empty ARP", test::frame(body, EtherType::Arp), Counter::arp_format},
  };
  for (const Case& c : cases) {
    const uint64_t before = count[c.why];
    gets(c.frame);
    EXPECT_EQ(count[c.why], before + 1) << c.claim;
    EXPECT_TRUE(in.ip4.empty()) << c.claim;
    quiet();
  }
  gets(test::frame(body));
  gets(test::frame(body, EtherType::Ip4, Mac::broadcast()));
  ASSERT_EQ(in.ip4.size(), 2u);
  EXPECT_EQ(in.ip4[0].l2_len(), 14u);
  EXPECT_EQ(in.ip4[0].ingress(), 0);
  in.ip4.clear();
}

TEST_F(LinkRoom, answers_for_its_own_address_only) {
  gets_arp(asks_us());
  sends_arp(our_answer(), peer_mac);
  gets_arp({ArpOp::Request, peer_mac, peer, Mac{}, Ip4Addr::of(198, 18, 0, 44)});
  quiet();
  EXPECT_EQ(count[Counter::arp_not_ours], 1u);
}

TEST_F(LinkRoom, a_padded_request_gets_a_clean_answer_and_a_probe_gets_one_too) {
  Octets padded = test::arp(asks_us());
  padded.resize(60, 0xee);
  gets(padded);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].size(), 42u);
  sent.clear();
  gets_arp({ArpOp::Request, peer_mac, Ip4Addr{}, Mac{}, us});  // RFC 5227: the address is taken, by us
  sends_arp({ArpOp::Reply, our_mac, us, peer_mac, Ip4Addr{}}, peer_mac);
}

TEST_F(LinkRoom, who_asks_us_is_known_from_then_on) {
  gets_arp(asks_us());
  sends_arp(our_answer(), peer_mac);
  outputs("hello");
  sends_text("hello", peer_mac);
  quiet();
}

TEST_F(LinkRoom, packets_wait_for_the_answer_and_leave_in_order) {
  outputs("one");
  sends_arp(question(), Mac::broadcast());
  outputs("two");
  quiet();
  gets_arp(answer());
  sends_text("one", peer_mac);
  sends_text("two", peer_mac);
  outputs("three");
  sends_text("three", peer_mac);
  quiet();
}

TEST_F(LinkRoom, asks_once_a_second_and_gives_up_after_three) {
  outputs("lost");
  sends_arp(question(), Mac::broadcast());
  passes(999_ms);
  quiet();
  passes(1_ms);
  sends_arp(question(), Mac::broadcast());
  passes(1_s);
  sends_arp(question(), Mac::broadcast());
  passes(999_ms);
  EXPECT_TRUE(failed().empty());
  passes(1_ms);
  quiet();
  EXPECT_EQ(failed(), std::vector<std::string>{"lost"});
  EXPECT_EQ(count[Counter::arp_unresolved], 1u);
  EXPECT_EQ(room->neighbours().size(), 0u);
  EXPECT_EQ(room->deadline(), Instant::never());
}

TEST_F(LinkRoom, the_oldest_waiting_packet_gives_way) {
  options.queue_per_neighbour = 2;
  restart();
  for (const char* text : {"1", "2", "3"}) outputs(text);
  sends_arp(question(), Mac::broadcast());
  EXPECT_EQ(count[Counter::arp_queue_full], 1u);
  gets_arp(answer());
  sends_text("2", peer_mac);
  sends_text("3", peer_mac);
  quiet();
}

TEST_F(LinkRoom, all_queues_together_are_bounded) {
  options.queue_total = 2;
  restart();
  for (uint8_t i = 10; i < 14; ++i) outputs("x", Ip4Addr::of(198, 18, 0, i));
  EXPECT_EQ(count[Counter::arp_queue_full], 2u);
  EXPECT_EQ(sent.size(), 4u);
  sent.clear();
}

TEST_F(LinkRoom, a_stale_neighbour_is_asked_directly_while_its_mac_is_used) {
  outputs("a");
  gets_arp(answer());
  sent.clear();
  passes(59_s);
  outputs("fresh");
  sends_text("fresh", peer_mac);
  passes(2_s);
  outputs("stale");
  sends_arp(question(), peer_mac);
  sends_text("stale", peer_mac);
  outputs("meanwhile");
  sends_text("meanwhile", peer_mac);
  gets_arp(answer());
  passes(5_s);
  quiet();
  EXPECT_EQ(room->neighbours().size(NeighbourState::Known), 1u);
}

TEST_F(LinkRoom, a_stale_neighbour_that_is_gone_is_forgotten) {
  outputs("a");
  gets_arp(answer());
  passes(61_s);
  sent.clear();
  outputs("b");
  sends_arp(question(), peer_mac);
  sends_text("b", peer_mac);
  passes(3_s);
  sends_arp(question(), peer_mac);
  sends_arp(question(), peer_mac);
  quiet();
  outputs("c");
  sends_arp(question(), Mac::broadcast());
  quiet();
}

TEST_F(LinkRoom, an_unused_neighbour_is_forgotten_without_a_word) {
  outputs("a");
  gets_arp(answer());
  sent.clear();
  passes(60_s + 1200_s);
  quiet();
  EXPECT_EQ(room->neighbours().size(), 0u);
}

TEST_F(LinkRoom, learns_from_nothing_but_its_own_questions_and_questions_to_it) {
  const Ip4Addr other = Ip4Addr::of(198, 18, 0, 44);
  gets_arp(answer());                                        // a reply nobody asked for
  gets_arp(announces(peer_mac));                             // an announcement of somebody unknown
  gets_arp({ArpOp::Request, peer_mac, peer, Mac{}, other});  // a question to somebody else
  gets_arp(asks_us(peer_mac, Ip4Addr::of(203, 0, 113, 1)));  // a question from another network
  EXPECT_EQ(room->neighbours().size(), 0u);
  EXPECT_EQ(count[Counter::arp_unsolicited], 1u);
  EXPECT_EQ(sent.size(), 1u) << "the last one is answered all the same";
  sent.clear();
  for (const Ip4Addr bad : {Ip4Addr::of(127, 0, 0, 1), Ip4Addr::of(224, 0, 0, 1), Ip4Addr{UINT32_MAX}})
    gets_arp(asks_us(peer_mac, bad));
  gets_arp(asks_us(Mac{}, peer));
  EXPECT_EQ(count[Counter::arp_bad_sender], 4u);
  gets_arp(asks_us(our_mac, peer));
  EXPECT_EQ(count[Counter::arp_own], 1u);
  quiet();
}

TEST_F(LinkRoom, an_announced_new_mac_is_used_and_checked) {
  outputs("a");
  gets_arp(answer());
  sent.clear();
  gets_arp(announces(mac(0x55)));
  sends_arp(question(), mac(0x55));
  outputs("b");
  sends_text("b", mac(0x55));
  gets_arp(answer(mac(0x55)));
  passes(5_s);
  quiet();
  EXPECT_EQ(count[Counter::neighbours_moved], 1u);
}

TEST_F(LinkRoom, groups_and_broadcasts_need_no_question) {
  outputs("m", Ip4Addr::of(239, 129, 2, 3));
  sends_text("m", Mac{{0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}});
  outputs("d", Ip4Addr::of(198, 18, 0, 255));
  sends_text("d", Mac::broadcast());
  outputs("l", Ip4Addr{UINT32_MAX});
  sends_text("l", Mac::broadcast());
  quiet();
}

TEST_F(LinkRoom, requests_are_limited_all_together) {
  options.request_rate = 10;
  options.request_burst = 3;
  restart();
  now = now + 10_s;
  for (uint8_t i = 10; i < 20; ++i) outputs("x", Ip4Addr::of(198, 18, 0, i));
  EXPECT_EQ(sent.size(), 3u);
  EXPECT_EQ(count[Counter::arp_limited], 7u);
  sent.clear();
  passes(1_s);
  EXPECT_EQ(sent.size(), 3u) << "what was held back is asked a second later, within the limit";
}

TEST_F(LinkRoom, a_scan_of_our_network_does_not_drive_out_a_known_neighbour) {
  options.neighbours = 16;
  options.neighbours_per_port = 16;
  restart();
  outputs("a");
  gets_arp(answer());
  for (int round = 0; round < 3; ++round) {
    for (uint8_t i = 20; i < 120; ++i) outputs("scan", Ip4Addr::of(198, 18, 0, i));
    passes(1_s);
  }
  EXPECT_EQ(room->neighbours().size(), 16u);
  EXPECT_GT(count[Counter::arp_table_full], 0u);
  sent.clear();
  outputs("b");
  sends_text("b", peer_mac);
  quiet();
}

TEST_F(LinkRoom, a_table_full_of_strangers_that_asked_us_makes_room_for_those_we_need) {
  options.neighbours = 16;
  options.neighbours_per_port = 16;
  restart();
  for (uint8_t i = 20; i < 60; ++i) gets_arp(asks_us(mac(i), Ip4Addr::of(198, 18, 0, i)));
  EXPECT_EQ(room->neighbours().size(), 16u);
  sent.clear();
  outputs("a");
  sends_arp(question(), Mac::broadcast());
  gets_arp(answer());
  sends_text("a", peer_mac);
  EXPECT_EQ(room->neighbours().size(NeighbourState::Known), 1u);
}

TEST_F(LinkRoom, announces_its_address_twice_at_start) {
  restart(true, false);
  EXPECT_LE(room->deadline(), now);
  passes(0_s);
  sends_arp(our_announcement(), Mac::broadcast());
  passes(1999_ms);
  quiet();
  passes(1_ms);
  sends_arp(our_announcement(), Mac::broadcast());
  passes(100_s);
  quiet();
}

// RFC 5227 §2.1.1, §2.3
TEST_F(LinkRoom, proves_its_address_free_before_it_uses_it) {
  options.probe = true;
  options.probe_wait = 0_s;
  options.probe_min = options.probe_max = 1_s;
  restart(true, false);
  passes(0_s);
  sends_arp(our_probe(), Mac::broadcast());
  gets_arp(asks_us());
  EXPECT_EQ(count[Counter::arp_tentative], 1u);
  outputs("early");
  quiet();
  passes(2_s);
  sends_arp(our_probe(), Mac::broadcast());
  sends_arp(our_probe(), Mac::broadcast());
  passes(1999_ms);
  passes(1_ms);
  ASSERT_FALSE(sent.empty());
  sends_arp(our_announcement(), Mac::broadcast());
  gets_arp(asks_us());
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(room->own_addresses()[0].state(), OwnAddress::State::Announcing);
  sent.clear();
  passes(2_s);
  EXPECT_EQ(room->own_addresses()[0].state(), OwnAddress::State::Settled);
}

TEST_F(LinkRoom, an_address_somebody_has_is_not_taken_but_tried_again_later) {
  options.probe = true;
  options.probe_wait = 0_s;
  for (const Arp::Value& objection :
       {announces(peer_mac, us), Arp::Value{ArpOp::Request, peer_mac, {}, Mac{}, us}}) {
    restart(true, false);
    passes(0_s);
    sends_arp(our_probe(), Mac::broadcast());
    const uint64_t before = count[Counter::arp_gave_up];
    gets_arp(objection);
    EXPECT_EQ(count[Counter::arp_gave_up], before + 1);
    EXPECT_EQ(room->own_addresses()[0].state(), OwnAddress::State::Conflict);
    passes(59_s);
    quiet();
    passes(1_s);
    sends_arp(our_probe(), Mac::broadcast());
    quiet();
  }
}

// RFC 5227 §2.4
TEST_F(LinkRoom, defends_its_address_but_not_more_than_every_ten_seconds) {
  gets_arp(announces(peer_mac, us));
  sends_arp(our_announcement(), Mac::broadcast());
  gets_arp(announces(peer_mac, us));
  passes(9_s);
  gets_arp(announces(peer_mac, us));
  quiet();
  passes(2_s);
  gets_arp(announces(peer_mac, us));
  sends_arp(our_announcement(), Mac::broadcast());
  EXPECT_EQ(count[Counter::arp_conflict], 4u);
  EXPECT_EQ(count[Counter::arp_defended], 2u);
  EXPECT_EQ(room->neighbours().size(), 0u) << "nobody else is learned under our address";
}

// Two workers: the writer and one that keeps a copy, with a ring between them.
class TwoWorkers : public LinkRoom {
 protected:
  TwoWorkers() {
    copy_room = std::make_unique<Link>(options, ports, false, test::packet_pool(), count, rng);
    EXPECT_EQ(copy_room->deadline(), Instant::never()) << "only the writer announces";
  }
  void TearDown() override {
    copy_room.reset();
    LinkRoom::TearDown();
  }
  void copy_outputs(std::string_view text) {
    std::swap(room, copy_room);
    outputs(text);
    std::swap(room, copy_room);
  }
  size_t exchange() {
    Messages up, down;
    copy_room->take_messages(up);
    for (const Message& m : up) {
      EXPECT_TRUE(m.to_writer());
      room->on_message(m, now, tx);
    }
    room->take_messages(down);
    for (const Message& m : down) {
      EXPECT_FALSE(m.to_writer());
      copy_room->on_message(m, now, tx);
    }
    tx.flush();
    return up.size() + down.size();
  }
  std::unique_ptr<Link> copy_room;
};

TEST_F(TwoWorkers, the_writer_asks_for_the_others_and_tells_them) {
  copy_outputs("from the other worker");
  quiet();
  exchange();
  sends_arp(question(), Mac::broadcast());
  gets_arp(answer());
  quiet();
  exchange();
  sends_text("from the other worker", peer_mac);
  copy_outputs("again");
  sends_text("again", peer_mac);
  EXPECT_EQ(exchange(), 0u);
  quiet();
}

TEST_F(TwoWorkers, a_failure_reaches_the_worker_whose_packet_waits) {
  copy_outputs("lost");
  exchange();
  passes(3_s);
  exchange();
  buf::Egresses dead;
  copy_room->take_failed(dead);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(as_text(dead[0].packet.bytes()), "lost");
  EXPECT_EQ(copy_room->neighbours().size(), 0u);
}

TEST_F(TwoWorkers, a_lost_message_heals_itself) {
  copy_outputs("patient");
  Messages lost;
  copy_room->take_messages(lost);
  EXPECT_EQ(lost.size(), 1u);
  now = now + 1_s;
  copy_room->expire(now, tx);
  exchange();
  sends_arp(question(), Mac::broadcast());
  gets_arp(answer());
  room->take_messages(lost);  // the good news is lost as well
  now = now + 1_s;
  copy_room->expire(now, tx);
  exchange();
  sends_text("patient", peer_mac);
  quiet();
}

TEST_F(TwoWorkers, only_the_writer_takes_arp_frames) {
  std::swap(room, copy_room);
  gets_arp(asks_us());
  std::swap(room, copy_room);
  quiet();
  EXPECT_EQ(count[Counter::arp_not_writer], 1u);
}

TEST(TxOut, a_full_batch_leaves_at_once_and_the_rest_at_the_flush) {
  test::start_eal();
  std::vector<size_t> bursts;
  TxOut tx{2,
           [](void* b, uint16_t port, buf::Batch& frames) {
             EXPECT_EQ(port, 1);
             static_cast<std::vector<size_t>*>(b)->push_back(frames.size());
           },
           &bursts};
  for (size_t i = 0; i < buf::burst_size + 3; ++i) tx.push(1, test::packet_of(as_bytes("x")));
  EXPECT_EQ(bursts, std::vector<size_t>{buf::burst_size});
  tx.flush();
  tx.flush();
  EXPECT_EQ(bursts, (std::vector<size_t>{buf::burst_size, 3}));
}

}  // namespace
}  // namespace sluice::link
