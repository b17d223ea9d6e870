// SPDX-License-Identifier: Apache-2.0
#include "serve/inetd.h"

#include <gtest/gtest.h>

#include <string>

#include "support/eal.h"

namespace sluice::serve {
namespace {

using namespace buf::stream_event;

// One connection to one service, in virtual time.
struct InetdTest : testing::Test {
  void start(InetdKind kind, uint32_t link_count = 256) {
    test::start_eal();
    links = std::make_unique<buf::LinkPool>(link_count);
    in = std::make_unique<buf::ByteQueue>(*links);
    out = std::make_unique<buf::ByteQueue>(*links);
    inetd = std::make_unique<Inetd>(4, count);
    service = inetd->add(kind, {.idle_timeout = 10_s});
    call(opened);
  }
  void call(uint8_t events) {
    buf::Stream s{.id = id, .service = 0, .events = events, .received = *in, .sending = *out};
    s.send_room = room > out->size() ? room - out->size() : 0;
    const size_t before = out->size();
    inetd->on_stream(service, s, now);
    EXPECT_LE(out->size() - before, s.send_room) << "more than there was room for";
    wants = s.want_writable;
    closed |= s.close;
    aborted |= s.abort;
  }
  void says(std::string_view text, uint8_t more = 0) {
    buf::Packet p = test::packet_of(as_bytes(text));
    check(in->push(buf::Slice{std::move(p), 0, static_cast<uint32_t>(text.size())}), "links");
    call(readable | more);
  }
  std::string takes(size_t most = SIZE_MAX) {
    std::string part(std::min(most, out->size()), '\0');
    out->copy(0, {reinterpret_cast<uint8_t*>(part.data()), part.size()});
    out->consume(part.size());
    return part;
  }
  void passes(Duration d) {
    now = now + d;
    buf::StreamId due[4];
    const size_t n = inetd->expire(now, due);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(due[i], id);
      call(0);
    }
  }

  Counters count;
  std::unique_ptr<buf::LinkPool> links;
  std::unique_ptr<buf::ByteQueue> in, out;
  std::unique_ptr<Inetd> inetd;
  uint32_t service = 0;
  buf::StreamId id{2, 7};
  Instant now{1'000'000'000};
  size_t room = 1 << 16;
  bool wants = false, closed = false, aborted = false;
};

TEST_F(InetdTest, echo_sends_back_what_it_gets_in_order) {
  start(InetdKind::Echo);
  says("one ");
  says("two");
  EXPECT_EQ(takes(), "one two");
  EXPECT_TRUE(in->empty());
  EXPECT_FALSE(wants);
  EXPECT_EQ(count[Counter::echo_octets], 7u);
  EXPECT_EQ(count[Counter::echo_connections], 1u);
}

TEST_F(InetdTest, echo_never_sends_more_than_there_is_room_for) {
  start(InetdKind::Echo);
  room = 10;
  says("0123456");
  says("789abcdef");
  EXPECT_EQ(out->size(), 10u);
  EXPECT_EQ(in->size(), 6u) << "the rest waits and closes the window";
  EXPECT_TRUE(wants);
  std::string all = takes(4);
  call(writable);
  all += takes();
  call(writable);
  EXPECT_EQ(all + takes(), "0123456789abcdef");
  EXPECT_FALSE(wants);
}

TEST_F(InetdTest, echo_holds_a_bounded_number_of_small_pieces) {
  start(InetdKind::Echo);
  for (int i = 0; i < 100; ++i) says("x");
  EXPECT_EQ(out->slices(), 64u);
  EXPECT_TRUE(wants);
  takes();
  call(writable);
  EXPECT_EQ(out->slices(), 36u);
  EXPECT_TRUE(in->empty());
}

TEST_F(InetdTest, echo_waits_for_a_link_when_there_is_none) {
  start(InetdKind::Echo, 2);
  room = 4;
  says("0123");
  says("456");
  room = 6;  // half of the second piece fits, and would need a third link
  call(writable);
  EXPECT_TRUE(wants);
  EXPECT_EQ(takes(), "0123");
  call(writable);
  EXPECT_EQ(takes(), "456");
}

TEST_F(InetdTest, echo_closes_only_when_all_was_sent_back) {
  start(InetdKind::Echo);
  room = 2;
  says("last", peer_closed);
  EXPECT_FALSE(closed);
  EXPECT_EQ(takes(), "la");
  call(writable);
  EXPECT_TRUE(closed);
  EXPECT_EQ(takes(), "st");
}

TEST_F(InetdTest, discard_takes_everything_and_says_nothing) {
  start(InetdKind::Discard);
  says("something");
  EXPECT_TRUE(in->empty());
  EXPECT_TRUE(out->empty());
  EXPECT_EQ(count[Counter::discard_octets], 9u);
  call(peer_closed);
  EXPECT_TRUE(closed);
}

TEST_F(InetdTest, a_silent_connection_is_reset_in_time_and_a_busy_one_is_not) {
  start(InetdKind::Discard);
  passes(9_s);
  says("x");
  passes(9_s);
  EXPECT_FALSE(aborted);
  passes(2_s);
  EXPECT_TRUE(aborted);
  EXPECT_EQ(count[Counter::inetd_idle_timeout], 1u);
  EXPECT_EQ(inetd->deadline(), Instant::never());
}

TEST_F(InetdTest, a_peer_that_takes_nothing_back_is_reset) {
  start(InetdKind::Echo);
  room = 4;
  says("0123456789");
  for (int i = 0; i < 3; ++i) {
    passes(4_s);
    if (!aborted) call(readable);  // it talks on, and no octet moves
  }
  EXPECT_TRUE(aborted);
}

TEST_F(InetdTest, a_place_taken_anew_knows_nothing_of_its_last_connection) {
  start(InetdKind::Discard);
  call(peer_closed);
  call(buf::stream_event::closed);
  closed = false;
  ++id.generation;
  call(opened);
  says("x");
  EXPECT_FALSE(closed);
  EXPECT_FALSE(aborted);
}

TEST_F(InetdTest, a_stream_whose_beginning_was_not_told_is_reset) {
  start(InetdKind::Echo);
  ++id.generation;
  says("x");
  EXPECT_TRUE(aborted);
  EXPECT_TRUE(out->empty());
}

TEST(InetdDatagrams, are_echoed_but_never_to_a_port_that_might_answer) {
  struct Case {
    const char* claim;
    uint16_t from;
    InetdKind kind;
    bool answered;
  };
  constexpr Case cases[] = {{"a client", 1024, InetdKind::Echo, true},
                            {"another echo", 7, InetdKind::Echo, false},
                            {"chargen", 19, InetdKind::Echo, false},
                            {"a DNS server", 53, InetdKind::Echo, false},
                            {"discard", 40000, InetdKind::Discard, false}};
  for (const Case& c : cases) {
    Counters count;
    const Tuple t{.remote_port = {c.from}, .local_port = {7}};
    EXPECT_EQ(Inetd::answers(c.kind, t, 5, count), c.answered) << c.claim;
    EXPECT_EQ(count[Counter::echo_loop], c.kind == InetdKind::Echo && !c.answered ? 1u : 0u) << c.claim;
    EXPECT_EQ(count[Counter::echo_octets], c.answered ? 5u : 0u) << c.claim;
    EXPECT_EQ(count[Counter::discard_octets], c.kind == InetdKind::Discard ? 5u : 0u) << c.claim;
  }
}

}  // namespace
}  // namespace sluice::serve
