// SPDX-License-Identifier: Apache-2.0
// After a connection: RFC 9293 §3.6.1, RFC 6191, RFC 1337; one, and a million of them.
#include "tcp/time_wait.h"

#include <gtest/gtest.h>

#include "support/sanitized.h"
#include "support/tcp_room.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;
using tcp::State;

TEST_F(Waiting, a_repeated_fin_is_acknowledged_and_the_wait_starts_again) {
  now = now + 40_s;
  gets({.seq = {101}, .ack = ours, .flags = fin | ack});
  const auto r = one();
  EXPECT_EQ(r.seq, ours);
  EXPECT_EQ(r.ack.v, 102u);
  now = now + 40_s;
  host->room.expire(now);
  EXPECT_EQ(host->room.connections(State::TimeWait), 1u);
  now = now + 21_s;
  host->room.expire(now);
  EXPECT_EQ(host->room.connections(State::TimeWait), 0u);
}

TEST_F(Waiting, a_reset_does_not_end_the_wait) {
  gets({.seq = {102}, .flags = rst});
  EXPECT_EQ(host->room.connections(State::TimeWait), 1u);
  EXPECT_TRUE(sent().empty());
}

TEST_F(Waiting, a_newer_syn_opens_beyond_the_old_numbers_and_an_older_does_not) {
  gets({.seq = {50}, .flags = syn});
  EXPECT_EQ(one().flags, ack);
  gets({.seq = {5'000}, .flags = syn});
  const auto r = one();
  EXPECT_EQ(r.flags, syn | ack);
  EXPECT_TRUE(r.seq.after(ours));
  EXPECT_EQ(host->room.connections(State::TimeWait), 0u);
  EXPECT_EQ(counted(Counter::tcp_time_wait_reused), 1u);
}

TEST_F(Waiting, records_are_bounded_and_the_oldest_gives_way) {
  tcp::Options o = small();
  o.time_waits = 2;
  start(o);
  host->pattern.close_when_sent = true;
  for (uint16_t port = 1; port <= 5; ++port) {
    const SeqNum nxt = establish(port);
    serve();
    one();
    gets({.src = {port}, .seq = {101}, .ack = nxt + 1, .flags = fin | ack});
    one();
    serve();
  }
  EXPECT_EQ(host->room.connections(State::TimeWait), 2u);
  EXPECT_EQ(counted(Counter::tcp_time_wait_shed), 3u);
}

// A million connections come, are closed by us, and are remembered; the room is full of them.
class Million : public Room {
 public:
  static constexpr uint32_t many = static_cast<uint32_t>(rounds(1'000'000)), a_port = 50'000;
  // The peer of number `n`: no two alike.
  static Ip4Addr peer(uint32_t n) { return Ip4Addr{host_a.v + n / a_port}; }
  static Port port(uint32_t n) { return {static_cast<uint16_t>(1'024 + n % a_port)}; }

  void SetUp() override {
    Room::SetUp();
    tcp::Options o = small();
    o.time_waits = many;
    start(o);
  }
  void says(uint32_t n, wire::Tcp::Value v, std::vector<uint8_t> options = {}) {
    v.src = port(n);
    v.dst = {80};
    v.window = {65'535};
    gets(ip4_packet(peer(n), host_b, bytes(v, {}, options)));
  }
  // The head of the last of what is sent.
  wire::Tcp::Value answer() {
    wire::Tcp::Value last{};
    for (bool more = true; more;) {
      buf::Transmits out;
      more = host->room.output(now, out);
      for (buf::Transmit& t : out) {
        const auto h = wire::Tcp::parse(t.packet.bytes());
        last = {h->src(), h->dst(), h->seq(), h->ack(), h->flags(), h->window(), 0};
      }
    }
    return last;
  }
  void comes_and_goes(uint32_t n) {
    says(n, {.seq = {100}, .flags = syn});
    const SeqNum ours = answer().seq + 1;
    says(n, {.seq = {101}, .ack = ours, .flags = ack});
    host->room.for_each_ready(now, [](buf::Stream& s) { s.close = true; });
    (void)answer();
    says(n, {.seq = {101}, .ack = ours + 1, .flags = fin | ack});
    host->room.for_each_ready(now, [](buf::Stream&) {});
    (void)answer();
  }
};

TEST_F(Million, are_remembered_slow_nothing_and_go_in_bounded_parts) {
  for (uint32_t n = 0; n < many; ++n) comes_and_goes(n);
  ASSERT_EQ(host->room.connections(State::TimeWait), many);
  EXPECT_EQ(counted(Counter::tcp_time_wait_shed), 0u);
  EXPECT_EQ(packet_pool().packets_free(), packets) << "none of them holds a packet";

  // One more has its place, and so has the oldest no longer: memory is what it was.
  comes_and_goes(many);
  EXPECT_EQ(host->room.connections(State::TimeWait), many);
  EXPECT_EQ(counted(Counter::tcp_time_wait_shed), 1u);
  says(0, {.seq = {101}, .ack = {7}, .flags = fin | ack});
  EXPECT_EQ(answer().flags, rst) << "the first is forgotten";
  says(1, {.seq = {101}, .ack = {7}, .flags = fin | ack});
  EXPECT_EQ(answer().flags, ack) << "the second is not";

  // RFC 6191: whoever comes again need not wait.
  says(many / 2, {.seq = {500'000}, .flags = syn});
  EXPECT_EQ(answer().flags, syn | ack);
  EXPECT_EQ(counted(Counter::tcp_time_wait_reused), 1u);

  // A mass of them that ends at once does not stop the worker: at most so many a call.
  now = now + 61_s;
  constexpr uint32_t a_call = 1'024;
  uint32_t left = host->room.connections(State::TimeWait), calls = 0;
  for (; left != 0 && calls < many; ++calls) {
    host->room.expire(now);
    const uint32_t is = host->room.connections(State::TimeWait);
    ASSERT_LE(left - is, a_call);
    left = is;
  }
  EXPECT_LE(calls, many / a_call + 1);
  EXPECT_EQ(left, 0u);
}

}  // namespace
}  // namespace sluice::test
