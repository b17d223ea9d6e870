// SPDX-License-Identifier: Apache-2.0
// The room: who is answered, who is refused, what is remembered, what is given back.
#include "tcp/tcp.h"

#include <gtest/gtest.h>

#include "support/tcp_room.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;
using tcp::State;

TEST_F(Room, a_closed_port_is_answered_with_a_reset_that_acknowledges_the_syn) {
  gets({.dst = {81}, .seq = {100}, .flags = syn});
  const auto r = one();
  EXPECT_EQ(r.flags, rst | ack);
  EXPECT_EQ(r.seq.v, 0u);
  EXPECT_EQ(r.ack.v, 101u);
  EXPECT_EQ(r.src.v, 81);
}

TEST_F(Room, a_stray_acknowledgement_is_answered_with_a_reset_at_its_place) {
  gets({.seq = {100}, .ack = {555}, .flags = ack}, "text");
  const auto r = one();
  EXPECT_EQ(r.flags, rst);
  EXPECT_EQ(r.seq.v, 555u);
}

TEST_F(Room, a_reset_is_never_answered) {
  gets({.seq = {100}, .flags = rst});
  gets({.dst = {81}, .seq = {100}, .ack = {1}, .flags = rst | ack});
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(counted(Counter::tcp_no_connection), 2u);
}

TEST_F(Room, a_listener_on_another_address_does_not_answer) {
  host = std::make_unique<Host>(small(), tcp::Path{}, 5);
  host->room.listen(IpAddr{Ip4Addr::of(198, 18, 0, 9)}, Port{80}, 7);
  gets({.seq = {100}, .flags = syn});
  EXPECT_EQ(one().flags, rst | ack);
}

struct Bad {
  const char* claim;
  Counter counter;
  std::vector<uint8_t> l4;
};

TEST_F(Room, every_broken_segment_is_dropped_with_its_reason) {
  const wire::Tcp::Value s{.src = {1000}, .dst = {80}, .seq = {100}, .flags = syn};
  auto offset = bytes(s);
  offset[12] = 0x40;
  auto beyond = bytes(s);
  beyond[12] = 0xf0;
  const Bad cases[] = {
      {"half a header", Counter::tcp_truncated, {1, 2, 3, 4}},
      {"nothing", Counter::tcp_truncated, {}},
      {"offset of four words", Counter::tcp_bad_offset, offset},
      {"offset past the end", Counter::tcp_bad_offset, beyond},
      {"option of length 0", Counter::tcp_bad_option, bytes(s, "", {3, 0, 0, 0})},
      {"option past the end", Counter::tcp_bad_option, bytes(s, "", {1, 1, 2, 4})},
      {"source port 0", Counter::tcp_bad_address, bytes({.src = {0}, .dst = {80}, .flags = syn})},
      {"SYN and FIN", Counter::tcp_not_syn, bytes({.src = {1000}, .dst = {80}, .flags = syn | fin})},
      {"no flag", Counter::tcp_not_syn, bytes({.src = {1000}, .dst = {80}})},
  };
  for (const Bad& c : cases) {
    const uint64_t before = counted(c.counter);
    gets(ip4_packet(host_a, host_b, c.l4));
    EXPECT_EQ(counted(c.counter), before + 1) << c.claim;
    EXPECT_TRUE(sent().empty()) << c.claim;
  }
  gets(ip4_packet(host_a, host_b, bytes(s), false));
  EXPECT_EQ(counted(Counter::tcp_bad_checksum), 1u);
  gets(ip4_packet(host_a, Ip4Addr::of(224, 0, 0, 1), bytes(s)));
  gets(ip4_packet(Ip4Addr{UINT32_MAX}, host_b, bytes(s)));
  EXPECT_EQ(counted(Counter::tcp_bad_address), 3u);
  EXPECT_TRUE(sent().empty());
}

TEST_F(Room, the_devices_verdict_on_a_checksum_is_believed) {
  const auto s = bytes({.src = {1000}, .dst = {80}, .seq = {100}, .flags = syn});
  buf::Packet good = ip4_packet(host_a, host_b, s, false);
  good.request(RTE_MBUF_F_RX_L4_CKSUM_GOOD);
  gets(std::move(good));
  EXPECT_EQ(one().flags, syn | ack);
  buf::Packet bad = ip4_packet(host_a, host_b, s);
  bad.request(RTE_MBUF_F_RX_L4_CKSUM_BAD);
  gets(std::move(bad));
  EXPECT_EQ(counted(Counter::tcp_bad_checksum), 1u);
}

TEST_F(Room, ethernet_padding_is_not_text) {
  establish();
  buf::Packet p =
      ip4_packet(host_a, host_b, bytes({.src = {1000}, .dst = {80}, .seq = {101}, .ack = {1}, .flags = ack}));
  std::memset(p.append(6), 'x', 6);
  gets(std::move(p));
  serve();
  EXPECT_TRUE(host->apps.begin()->second.got.empty());
}

TEST_F(Room, text_reaches_the_service_and_its_answer_the_peer) {
  host->pattern.to_send = "answer";
  const SeqNum nxt = establish();
  serve();
  gets({.seq = {101}, .ack = nxt, .flags = ack | psh}, "question");
  serve();
  EXPECT_EQ(host->apps.begin()->second.got, "question");
  const auto out = sent();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].text, "answer");
  EXPECT_EQ(out[0].head.ack.v, 109u) << "the acknowledgement rides along";
}

TEST_F(Room, gauges_count_connections_by_state) {
  gets({.seq = {100}, .flags = syn});
  EXPECT_EQ(host->room.connections(State::SynReceived), 1u);
  sent();
  establish(1001);
  EXPECT_EQ(host->room.connections(State::Established), 1u);
  gets({.src = {1001}, .seq = {101}, .flags = rst});
  EXPECT_EQ(host->room.connections(State::Established), 0u);
}

TEST_F(Room, half_open_connections_are_bounded_and_the_oldest_gives_way) {
  tcp::Options o = small();
  o.half_open = 4;
  o.syn_cookies = false;
  start(o);
  for (uint16_t port = 1000; port < 1010; ++port) gets({.src = {port}, .seq = {100}, .flags = syn});
  EXPECT_EQ(host->room.half_open(), 4u);
  EXPECT_EQ(counted(Counter::tcp_half_open_shed), 6u);
  const auto answers = sent();
  ASSERT_EQ(answers.size(), 10u);
  gets({.src = {1000}, .seq = {101}, .ack = answers[0].head.seq + 1, .flags = ack});
  EXPECT_EQ(one().flags, rst) << "forgotten";
  establish(2000);
  EXPECT_EQ(host->room.connections(State::Established), 1u);
}

TEST_F(Room, a_full_house_refuses_and_recovers) {
  tcp::Options o = small();
  o.connections = 2;
  start(o);
  establish(1000);
  establish(1001);
  gets({.src = {1002}, .seq = {100}, .flags = syn});
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(counted(Counter::tcp_no_room), 1u);
  gets({.src = {1000}, .seq = {101}, .flags = rst});
  serve();
  establish(1003);
}

TEST_F(Room, half_open_connections_are_reaped) {
  gets({.seq = {100}, .flags = syn});
  for (int i = 0; i < 200; ++i) {
    now = now + 1_s;
    host->room.expire(now);
    sent();
  }
  EXPECT_EQ(host->room.half_open(), 0u);
  EXPECT_EQ(host->room.connections(State::SynReceived), 0u);
  serve();
  EXPECT_TRUE(host->apps.empty()) << "no service hears of what never opened";
}

TEST_F(Room, a_service_that_aborts_resets_the_peer_and_hears_no_more) {
  const SeqNum nxt = establish();
  host->room.for_each_ready(now, [](buf::Stream& s) { s.abort = true; });
  const auto r = one();
  EXPECT_TRUE(r.flags & rst);
  EXPECT_EQ(r.seq, nxt);
  EXPECT_EQ(host->room.connections(State::Established), 0u);
  host->room.for_each_ready(now, [](buf::Stream&) { ADD_FAILURE() << "an event after the abort"; });
}

// RFC 9293 §3.10.4, §3.10.5: also before the peer has answered.
TEST_F(Room, a_stream_given_up_is_gone_and_its_peer_is_reset_if_it_knows) {
  const Tuple out{.remote = host_a, .local = host_b, .remote_port = {443}};
  const auto opening = host->room.connect(out, 1, now);
  ASSERT_TRUE(opening);
  const auto first = one();
  EXPECT_EQ(first.flags, syn);
  host->room.give_up(*opening, now);
  host->room.give_up(*opening, now);  // a second time is nothing
  serve();
  EXPECT_TRUE(sent().empty());
  EXPECT_TRUE(host->apps.empty()) << "nobody is told";
  EXPECT_EQ(host->room.connections(State::SynSent), 0u);
  EXPECT_EQ(host->room.deadline(), Instant::never());
  gets({.src = {443}, .dst = first.src, .seq = {1}, .ack = first.seq + 1, .flags = syn | ack});
  EXPECT_EQ(one().flags, rst) << "a late answer finds nobody";

  const auto opened = host->room.connect(out, 1, now);
  const auto second = one();
  gets({.src = {443}, .dst = second.src, .seq = {1}, .ack = second.seq + 1, .flags = syn | ack});
  sent();
  host->room.give_up(*opened, now);
  const auto reset = one();
  EXPECT_EQ(reset.flags, rst | ack);
  EXPECT_EQ(reset.seq, second.seq + 1);
  EXPECT_EQ(counted(Counter::tcp_aborted), 2u);
  EXPECT_EQ(host->room.connections(State::Established), 0u);
}

// Its third segment may be on the way, lost or unread: a peer that has our answer thinks it is connected.
TEST_F(Room, the_end_of_a_worker_tells_peers_whose_handshake_has_not_ended_here) {
  gets({.seq = {100}, .flags = syn});
  const auto answer = one();
  ASSERT_EQ(host->room.half_open(), 1u);
  EXPECT_FALSE(host->room.abort_some(now));
  const auto reset = one();
  EXPECT_EQ(reset.flags, rst | ack);
  EXPECT_EQ(reset.seq, answer.seq + 1);
  EXPECT_EQ(reset.ack.v, 101u);
  EXPECT_EQ(host->room.half_open(), 0u);
  EXPECT_FALSE(host->room.abort_some(now));
  EXPECT_TRUE(sent().empty()) << "each is told once";
  EXPECT_EQ(host->room.deadline(), Instant::never());
}

TEST_F(Room, a_stream_that_is_being_served_is_not_ended_behind_its_back) {
  establish();
  const auto end_it = [&] {
    host->room.for_each_ready(now, [&](buf::Stream& s) { host->room.give_up(s.id, now); });
  };
  EXPECT_DEATH(end_it(), "Stream::abort");
  host->room.for_each_ready(now, [&](buf::Stream& s) { s.abort = true; });
  EXPECT_EQ(one().flags, rst | ack);
}

struct Ending {
  const char* claim;
  buf::Failure failure;
  void (*happens)(Room&, const wire::Tcp::Value& syn_sent);
};

TEST_F(Room, a_service_hears_why_connecting_failed) {
  const Ending endings[] = {
      {"a reset refuses", buf::Failure::Refused,
       [](Room& r, const wire::Tcp::Value& s) {
         r.gets({.src = s.dst, .dst = s.src, .ack = s.seq + 1, .flags = rst | ack});
       }},
      {"a hard ICMP error says that there is no way", buf::Failure::Unreachable,
       [](Room& r, const wire::Tcp::Value& s) {
         r.host->room.on_icmp({{.remote = host_a, .local = host_b, .remote_port = s.dst, .local_port = s.src},
                               s.seq,
                               tcp::IcmpNews::Kind::Hard,
                               0},
                              r.now);
       }},
      {"silence", buf::Failure::NoAnswer, [](Room&, const wire::Tcp::Value&) {}},
      {"silence after a soft ICMP error", buf::Failure::Unreachable,
       [](Room& r, const wire::Tcp::Value& s) {
         r.host->room.on_icmp({{.remote = host_a, .local = host_b, .remote_port = s.dst, .local_port = s.src},
                               s.seq,
                               tcp::IcmpNews::Kind::Soft,
                               0},
                              r.now);
       }},
  };
  tcp::Options o = small();
  o.connect_timeout = 5_s;
  start(o);
  for (const Ending& e : endings) {
    const auto id = host->room.connect({.remote = host_a, .local = host_b, .remote_port = {443}}, 1, now);
    ASSERT_TRUE(id);
    e.happens(*this, one());
    std::optional<buf::Failure> heard;
    for (int ms = 0; ms < 5'500 && !heard; ms += 100) {
      host->room.for_each_ready(now, [&](buf::Stream& s) {
        EXPECT_EQ(s.id, *id);
        EXPECT_EQ(s.events, buf::stream_event::failed) << e.claim;
        heard = s.failure;
      });
      now = now + 100_ms;
      host->room.expire(now);
      sent();
    }
    ASSERT_TRUE(heard) << e.claim;
    EXPECT_EQ(*heard, e.failure) << e.claim;
  }
}

TEST_F(Room, a_woken_stream_is_asked_and_a_dead_one_is_not) {
  establish();
  buf::StreamId id;
  host->room.for_each_ready(now, [&](buf::Stream& s) { id = s.id; });
  int asked = 0;
  host->room.wake(id);
  host->room.for_each_ready(now, [&](buf::Stream& s) {
    asked += (s.events & buf::stream_event::writable) != 0;
    s.abort = true;
  });
  host->room.wake(id);
  host->room.for_each_ready(now, [&](buf::Stream&) { ++asked; });
  EXPECT_EQ(asked, 1);
}

TEST_F(Room, running_out_of_packets_is_a_counted_loss_that_heals) {
  establish();
  host->pattern.to_send = noise(5'000, 1);
  serve();
  {
    std::vector<buf::Packet> all;
    while (buf::Packet p = packet_pool().alloc()) all.push_back(std::move(p));
    EXPECT_TRUE(sent().empty());
    EXPECT_GT(counted(Counter::tcp_no_packet), 0u);
  }
  now = now + 2_s;
  host->room.expire(now);
  EXPECT_FALSE(sent().empty());
}

TEST_F(Room, running_out_of_links_is_a_counted_drop_that_heals) {
  host = std::make_unique<Host>(small(), tcp::Path{}, 5, 2);
  host->room.listen({}, Port{80}, 7);
  host->pattern.close_when_sent = false;
  const SeqNum nxt = establish();
  gets({.seq = {101}, .ack = nxt, .flags = ack}, "one");
  gets({.seq = {104}, .ack = nxt, .flags = ack}, "two");
  gets({.seq = {107}, .ack = nxt, .flags = ack}, "three");
  EXPECT_EQ(counted(Counter::tcp_no_buffer), 1u);
  serve();
  gets({.seq = {107}, .ack = nxt, .flags = ack}, "three");
  serve();
  EXPECT_EQ(host->apps.begin()->second.got, "onetwothree");
}

TEST_F(Room, packets_held_by_all_connections_are_bounded_and_the_next_in_order_still_come) {
  tcp::Options o = small();
  o.held_packets = 64;
  start(o);
  SeqNum nxt[40];
  for (uint16_t i = 0; i < 40; ++i) nxt[i] = establish(static_cast<uint16_t>(1000 + i));
  sent();
  serve();
  const uint32_t before = packet_pool().packets_free();
  const auto held = [&] { return before - packet_pool().packets_free(); };
  // Holes that are never filled hold half, not more.
  for (uint16_t i = 0; i < 8; ++i)
    for (uint32_t n = 0; n < 10; ++n)
      gets({.src = {static_cast<uint16_t>(1000 + i)}, .seq = {102 + n}, .ack = nxt[i], .flags = ack}, "x");
  EXPECT_EQ(held(), 32u);
  EXPECT_EQ(counted(Counter::tcp_held_full), 48u);
  // One connection whose service does not read cannot take the other half.
  for (uint32_t n = 0; n < 100; ++n)
    gets({.src = {1020}, .seq = {101 + n}, .ack = nxt[20], .flags = ack}, "x");
  EXPECT_EQ(held(), 40u);
  // Many together cannot take more than all.
  for (uint16_t i = 8; i < 40; ++i)
    gets({.src = {static_cast<uint16_t>(1000 + i)},
          .seq = {i == 20 ? 109u : 101u},
          .ack = nxt[i],
          .flags = ack},
         "y");
  EXPECT_EQ(held(), 64u);
  serve();  // read: the hole's neighbours stay, the rest is free again
  EXPECT_EQ(held(), 32u);
  gets({.src = {1000}, .seq = {101}, .ack = nxt[0], .flags = ack}, "w");
  serve();
  EXPECT_EQ(held(), 22u);
}

TEST_F(Room, what_fills_a_hole_is_held_where_text_beyond_all_holes_no_longer_is) {
  tcp::Options o = small();
  o.held_packets = 64;
  start(o);
  SeqNum nxt[6];
  for (uint16_t i = 0; i < 6; ++i) nxt[i] = establish(static_cast<uint16_t>(1000 + i));
  sent();
  serve();
  const uint32_t before = packet_pool().packets_free();
  const auto held = [&] { return before - packet_pool().packets_free(); };
  const auto early = [&](uint16_t i, uint32_t seq) {
    gets({.src = {static_cast<uint16_t>(1000 + i)}, .seq = {seq}, .ack = nxt[i], .flags = ack}, "x");
  };
  early(0, 102), early(0, 104);
  for (uint16_t i = 1; i < 6; ++i)
    for (uint32_t n = 0; n < 10; ++n) early(i, 102 + n);
  EXPECT_EQ(held(), 32u);
  early(0, 105);
  EXPECT_EQ(held(), 32u) << "beyond what waits";
  early(0, 103);
  EXPECT_EQ(held(), 33u) << "between what waits";
}

TEST_F(Room, resets_waiting_to_be_sent_are_bounded) {
  tcp::Options o = small();
  o.replies = 64;
  start(o);
  for (uint16_t port = 1; port <= 100; ++port) gets({.src = {port}, .dst = {81}, .flags = syn});
  EXPECT_EQ(sent().size(), 64u);
  EXPECT_EQ(counted(Counter::tcp_reply_queue_full), 36u);
}

TEST_F(Room, connect_finds_every_port_once_and_then_none) {
  tcp::Options o = small();
  o.port_first = 40'000;
  o.port_last = 40'009;
  start(o);
  std::vector<uint16_t> ports;
  const Tuple to{.remote = host_a, .local = host_b, .remote_port = {80}};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(host->room.connect(to, 1, now).has_value());
  EXPECT_FALSE(host->room.connect(to, 1, now).has_value());
  for (const Sent& s : sent()) ports.push_back(s.head.src.v);
  std::sort(ports.begin(), ports.end());
  for (uint16_t i = 0; i < 10; ++i) EXPECT_EQ(ports.at(i), 40'000 + i);
}

TEST_F(Room, the_same_tuple_in_another_vrf_is_another_connection) {
  host->room.listen({}, Port{80}, 7, {}, {}, 1);
  gets({.seq = {100}, .flags = syn});
  const SeqNum first = one().seq;
  gets({.seq = {100}, .flags = syn}, {}, 1);
  const SeqNum second = one().seq;
  EXPECT_NE(first, second) << "nobody learns of the other's numbers";
  EXPECT_EQ(host->room.half_open(), 2u);
  gets({.seq = {101}, .ack = second + 1, .flags = ack}, {}, 1);
  EXPECT_EQ(host->room.half_open(), 1u);
  EXPECT_EQ(host->room.connections(tcp::State::Established), 1u);
  gets({.seq = {101}, .flags = rst});
  EXPECT_EQ(host->room.half_open(), 0u);
  EXPECT_EQ(host->room.connections(tcp::State::Established), 1u);
  gets({.seq = {101}, .flags = syn}, {}, 2);
  EXPECT_EQ(one().flags, rst | ack) << "where nobody listens";
}

TEST_F(Room, a_cookie_of_one_vrf_is_none_in_another) {
  tcp::Options o = small();
  o.half_open = 0;
  start(o);
  host->room.listen({}, Port{80}, 7, {}, {}, 1);
  gets({.seq = {100}, .flags = syn});
  const SeqNum cookie = one().seq;
  gets({.seq = {101}, .ack = cookie + 1, .flags = ack}, {}, 1);
  EXPECT_EQ(one().flags, rst);
  gets({.seq = {101}, .ack = cookie + 1, .flags = ack});
  EXPECT_EQ(host->room.connections(tcp::State::Established), 1u);
}

TEST_F(Room, initial_numbers_differ_by_tuple_and_grow_with_time) {
  gets({.src = {1000}, .seq = {1}, .flags = syn});
  gets({.src = {1001}, .seq = {1}, .flags = syn});
  const auto all = sent();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].head.seq, all[1].head.seq);
  const Tuple t{.remote = host_a, .local = host_b, .remote_port = {1}, .local_port = {2}};
  const tcp::Keys keys = Host::keys(5);
  EXPECT_EQ(tcp::initial_sequence(keys, t, now + 4_ms) - tcp::initial_sequence(keys, t, now), 1000);
}

TEST_F(Room, small_pieces_are_copied_and_large_ones_attached) {
  start(small(), {1500, true, true});
  const uint32_t headers = packet_pool().headers_free();
  establish();
  host->pattern.to_send = noise(8'000, 1);
  serve();
  {
    buf::Transmits out;
    host->room.output(now, out);
    ASSERT_FALSE(out.empty());
    EXPECT_GT(out[0].segment_size, 0);
    EXPECT_LT(packet_pool().headers_free(), headers);
    EXPECT_GT(out[0].packet.size(), 1500u);
  }
  EXPECT_EQ(packet_pool().headers_free(), headers);
}

TEST_F(Room, text_in_many_small_pieces_is_cut_here_instead_of_in_a_long_chain) {
  start(small(), {1500, true, true});
  host->piece = 50;
  establish();
  host->pattern.to_send = noise(4'000, 1);
  serve();
  std::string text;
  for (bool more = true; more;) {
    buf::Transmits out;
    more = host->room.output(now, out);
    for (buf::Transmit& t : out) {
      EXPECT_EQ(t.segment_size, 0);
      EXPECT_LE(t.packet.size(), 1480u);
      EXPECT_TRUE(t.packet.linearize());
      text += as_text(wire::Tcp::parse(t.packet.bytes())->text());
    }
  }
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(text, host->pattern.to_send.substr(0, text.size()));
}

}  // namespace
}  // namespace sluice::test
