// SPDX-License-Identifier: Apache-2.0
#include "tcp/merge.h"

#include <gtest/gtest.h>

#include "support/sanitized.h"
#include "support/tcp_room.h"

namespace sluice::tcp {
namespace {

using namespace wire::tcp_flag;

Segment text_at(uint32_t seq, uint32_t text, void (*change)(Segment&) = [](Segment&) {}) {
  Segment s{.seq = {seq}, .ack = {500}, .flags = ack, .window = {1000}, .text = text};
  s.options.timestamps = wire::TcpTimestamps{7, 8};
  change(s);
  return s;
}

TEST(Merge, only_what_adds_nothing_but_text_goes_on) {
  struct Case {
    const char* claim;
    Segment first, next;
    bool goes_on;
  };
  const Segment first = text_at(1000, 100), next = text_at(1100, 100);
  const auto changed = [](uint32_t seq, uint32_t text, auto f) { return text_at(seq, text, f); };
  const Case cases[] = {
      {"the next in order", first, next, true},
      {"a shorter one, the last of its kind", first, text_at(1100, 40), true},
      {"a PSH on it is kept", first, changed(1100, 100, [](Segment& s) { s.flags |= psh; }), true},
      {"a PSH before it ends the run", changed(1000, 100, [](Segment& s) { s.flags |= psh; }), next, false},
      {"a hole", first, text_at(1101, 100), false},
      {"a repetition", first, text_at(1000, 100), false},
      {"a longer one", first, text_at(1100, 101), false},
      {"no text", first, text_at(1100, 0), false},
      {"behind no text", text_at(1000, 0), text_at(1000, 100), false},
      {"another acknowledgement", first, changed(1100, 100, [](Segment& s) { s.ack = {501}; }), false},
      {"another window", first, changed(1100, 100, [](Segment& s) { s.window = {999}; }), false},
      {"a FIN", first, changed(1100, 100, [](Segment& s) { s.flags |= fin; }), false},
      {"an RST", first, changed(1100, 100, [](Segment& s) { s.flags |= rst; }), false},
      {"URG", first, changed(1100, 100, [](Segment& s) { s.flags |= urg; }), false},
      {"CWR", first, changed(1100, 100, [](Segment& s) { s.flags |= cwr; }), false},
      {"ECE", first, changed(1100, 100, [](Segment& s) { s.flags |= ece; }), false},
      {"no ACK", first, changed(1100, 100, [](Segment& s) { s.flags = psh; }), false},
      {"a mark of congestion", first, changed(1100, 100, [](Segment& s) { s.ecn = ecn::ce; }), false},
      {"behind a mark", changed(1000, 100, [](Segment& s) { s.ecn = ecn::ce; }),
       changed(1100, 100, [](Segment& s) { s.ecn = ecn::ce; }), false},
      {"a later timestamp", first, changed(1100, 100, [](Segment& s) { s.options.timestamps->val = 8; }),
       false},
      {"no timestamp", first, changed(1100, 100, [](Segment& s) { s.options.timestamps.reset(); }), false},
      {"blocks of SACK", changed(1000, 100, [](Segment& s) { s.options.sacks.push({{1}, {2}}); }),
       changed(1100, 100, [](Segment& s) { s.options.sacks.push({{1}, {2}}); }), false},
      {"what a device merged already", first, changed(1100, 100, [](Segment& s) { s.mss = 50; }), false},
      {"over the end of the numbers", text_at(0xffff'ffce, 100), text_at(0x32, 100), true},
  };
  for (const Case& c : cases) EXPECT_EQ(continues(c.first, c.next), c.goes_on) << c.claim;
}

TEST(Merge, the_pieces_can_still_be_counted) {
  Segment s = text_at(1000, 100);
  EXPECT_EQ(s.pieces(), 1u);
  merge(s, text_at(1100, 100));
  Segment last = text_at(1200, 30);
  last.flags |= psh;
  ASSERT_TRUE(continues(s, last));
  merge(s, last);
  EXPECT_EQ(s.text, 230u);
  EXPECT_EQ(s.pieces(), 3u);
  EXPECT_EQ(s.flags, ack | psh);
  EXPECT_FALSE(continues(s, text_at(1230, 30))) << "behind a short one nothing can be counted";
}

// The same bursts into two rooms, one of which takes every packet by itself.
class Merging : public test::Room {
 public:
  void begin(Options o) {
    host.reset();
    o.merge_segments = true;
    start(o);
    o.merge_segments = false;
    other = std::make_unique<test::Host>(o, Path{}, 5);
    other->room.listen({}, Port{80}, 7);
    other->pattern.close_when_sent = false;
  }
  void TearDown() override {
    other.reset();
    Room::TearDown();
  }
  void both(const std::vector<std::vector<uint8_t>>& frames) {
    for (test::Host* h : {host.get(), other.get()}) {
      buf::Batch batch;
      for (const auto& f : frames) batch.push(test::ip4_packet(test::host_a, test::host_b, f));
      h->room.input(batch, now);
    }
  }
  struct Told {
    wire::Tcp::Value head;
    wire::TcpOptions options;
  };
  std::vector<Told> told(test::Host& h) {
    h.room.expire(now);
    h.room.for_each_ready(now, [&](buf::Stream& s) { h.serve(s); });
    std::vector<Told> all;
    for (bool more = true; more;) {
      buf::Transmits out;
      more = h.room.output(now, out);
      for (buf::Transmit& t : out) {
        const auto head = wire::Tcp::parse(t.packet.bytes());
        all.push_back(
            {{.seq = head->seq(), .ack = head->ack(), .flags = head->flags(), .window = head->window()},
             *wire::TcpOptions::parse(head->options())});
      }
    }
    return all;
  }
  // Without the block of what came twice (RFC 2883), which tells of one packet or of all of a run.
  static wire::TcpOptions missing(const Told& t) {
    wire::TcpOptions o = t.options;
    o.sacks = {};
    for (const wire::SackBlock b : t.options.sacks)
      if (b.end.after(t.head.ack)) o.sacks.push(b);
    return o;
  }
  void expect_same(const char* where) {
    const auto a = told(*host), b = told(*other);
    ASSERT_EQ(a.size(), b.size()) << where;
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].head.seq, b[i].head.seq) << where;
      ASSERT_EQ(a[i].head.ack, b[i].head.ack) << where;
      ASSERT_EQ(a[i].head.flags, b[i].head.flags) << where;
      ASSERT_EQ(a[i].head.window, b[i].head.window) << where;
      ASSERT_EQ(missing(a[i]), missing(b[i])) << where;
    }
    if (!a.empty()) ours = a.back().head.seq + ((a.back().head.flags & syn) != 0 ? 1 : 0);
    ASSERT_EQ(host->apps.size(), other->apps.size());
    for (auto x = host->apps.begin(), y = other->apps.begin(); x != host->apps.end(); ++x, ++y)
      ASSERT_EQ(x->second.got, y->second.got) << where;
    for (const auto& [id, app] : host->apps) {
      const buf::StreamId stream{static_cast<uint32_t>(id), static_cast<uint32_t>(id >> 32)};
      const Conn *x = host->room.conn(stream), *y = other->room.conn(stream);
      ASSERT_TRUE(x != nullptr && y != nullptr) << where;
      ASSERT_EQ(x->deadline().ns, y->deadline().ns) << where;
      ASSERT_EQ(x->rcv_nxt(), y->rcv_nxt()) << where;
      ASSERT_EQ(x->rcv_wnd(), y->rcv_wnd()) << where;
    }
  }
  std::unique_ptr<test::Host> other;
  SeqNum ours;
};

TEST_F(Merging, changes_neither_the_bytes_nor_the_answers) {
  uint64_t merged = 0;
  for (uint64_t seed = 1; seed <= test::rounds(200); ++seed) {
    Rng rng{seed};
    Options o = test::small();
    o.sack = rng.chance(0.5);
    o.timestamps = rng.chance(0.5);
    o.quick_acks = 0;  // they are counted by packets, of which those that came twice are not told apart
    o.receive_window = o.receive_buffer = rng.chance(0.3) ? 8'192 : 65'536;
    begin(o);
    constexpr uint32_t most = 200'000;  // in bursts; the FIN's segments come behind
    const std::string text = test::noise(most + 200, seed);
    const uint32_t mss = 100 + static_cast<uint32_t>(rng.below(900));
    std::vector<uint8_t> opening{2, 4, 5, 0xb4, 4, 2, 1, 1};
    uint32_t clock = 1;
    const auto stamped = [&](std::vector<uint8_t> options) {
      if (!o.timestamps) return options;
      options.insert(options.end(), {1, 1, 8, 10, 0, 0, static_cast<uint8_t>(clock >> 8),
                                     static_cast<uint8_t>(clock), 0, 0, 0, 0});
      return options;
    };
    opening = stamped(std::move(opening));
    both({bytes({.src = {1000}, .dst = {80}, .seq = {99}, .flags = syn, .window = {65535}}, {}, opening)});
    expect_same("the SYN");
    const auto segment = [&](uint32_t from, uint32_t size, uint8_t flags) {
      if (rng.chance(0.05)) ++clock;
      return bytes(
          {.src = {1000}, .dst = {80}, .seq = {100 + from}, .ack = ours, .flags = flags, .window = {65535}},
          text.substr(from, size), stamped({}));
    };
    both({segment(0, 0, ack)});
    uint32_t at = 0;  // next octet of the text to send
    for (int burst = 0; burst < 40 && at < most; ++burst) {
      std::vector<std::vector<uint8_t>> frames;
      for (size_t n = 1 + rng.below(30); n != 0 && at < most; --n) {
        uint32_t from = at, size = rng.chance(0.9) ? mss : 1 + static_cast<uint32_t>(rng.below(mss));
        if (rng.chance(0.05)) from -= std::min<uint32_t>(from, static_cast<uint32_t>(rng.below(3 * mss)));
        size = std::min<uint32_t>(size, most - from);
        const auto frame = segment(from, size, rng.chance(0.1) ? ack | psh : ack);
        at = std::max(at, from + size);
        if (rng.chance(0.04)) continue;  // lost
        frames.push_back(frame);
        if (rng.chance(0.03)) frames.push_back(frame);
        if (frames.size() > 1 && rng.chance(0.05)) std::swap(frames.back(), frames[frames.size() - 2]);
        if (frames.size() > 60) break;
      }
      both(frames);
      expect_same("a burst");
      if (HasFatalFailure()) return;
      // The peer goes on where the room stands, so that a loss does not end the run.
      if (rng.chance(0.7)) {
        const uint64_t id = host->apps.begin()->first;
        at = static_cast<uint32_t>(
            host->room.conn({static_cast<uint32_t>(id), static_cast<uint32_t>(id >> 32)})->rcv_nxt() -
            SeqNum{100});
      }
      now = now + Duration::from_us(static_cast<int64_t>(rng.below(60'000)));
    }
    ASSERT_GT(host->apps.begin()->second.got.size(), 10'000u);
    ASSERT_EQ(host->apps.begin()->second.got, text.substr(0, host->apps.begin()->second.got.size()));
    // The last of a run may bear the FIN.
    at = static_cast<uint32_t>(host->apps.begin()->second.got.size());
    both({segment(at, 50, ack), segment(at + 50, 50, ack), segment(at + 100, 20, ack | fin)});
    expect_same("the FIN");
    EXPECT_EQ(other->count[Counter::tcp_merged], 0u);
    merged += counted(Counter::tcp_merged);
  }
  EXPECT_GT(merged, 1'000u) << "there was something to merge";
}

TEST_F(Merging, flows_that_interleave_are_each_merged) {
  begin(test::small());
  for (uint16_t port : {1000, 1001}) {
    both({bytes({.src = {port}, .dst = {80}, .seq = {99}, .flags = syn, .window = {65535}})});
    expect_same("the SYN");
    both({bytes({.src = {port}, .dst = {80}, .seq = {100}, .ack = ours, .flags = ack, .window = {65535}})});
    expect_same("the handshake");
  }
  std::vector<std::vector<uint8_t>> frames;
  for (uint32_t n = 0; n < 10; ++n)
    for (uint16_t port : {1000, 1001})
      frames.push_back(bytes(
          {.src = {port}, .dst = {80}, .seq = {100 + n * 50}, .ack = {1}, .flags = ack, .window = {65535}},
          std::string(50, static_cast<char>('a' + n))));
  // What acknowledges nothing of ours is the same for both rooms and merged all the same.
  both(frames);
  expect_same("the burst");
  EXPECT_EQ(counted(Counter::tcp_merged), 18u);
}

TEST_F(Merging, a_chain_of_pieces_is_taken_piece_by_piece) {
  const SeqNum nxt = establish();
  const std::string text = test::noise(5'000, 3);
  const auto all =
      bytes({.src = {1000}, .dst = {80}, .seq = {101}, .ack = nxt, .flags = ack, .window = {65535}}, text);
  // The sum is that of the whole segment, the first piece holds the headers and an odd number of octets.
  std::vector<uint8_t> summed = all;
  store_be<uint16_t>(summed.data() + 16,
                     wire::pseudo_header(test::host_a, test::host_b, 6, static_cast<uint32_t>(all.size()))
                         .add(all)
                         .checksum());
  for (const bool damaged : {true, false}) {
    buf::Packet first =
        test::ip4_packet(test::host_a, test::host_b, {summed.begin(), summed.begin() + 333}, false);
    store_be<uint16_t>(first.data() + 2, static_cast<uint16_t>(20 + all.size()));
    for (size_t from = 333; from < summed.size(); from += 1'001) {
      std::vector<uint8_t> piece(
          summed.begin() + static_cast<ptrdiff_t>(from),
          summed.begin() + static_cast<ptrdiff_t>(std::min(from + 1'001, summed.size())));
      if (damaged && from > 2'000) piece[5] ^= 1;
      ASSERT_EQ(rte_pktmbuf_chain(first.raw(), test::packet_of(piece).release()), 0);
    }
    gets(std::move(first));
    serve();
    EXPECT_EQ(counted(Counter::tcp_bad_checksum), 1u);
    EXPECT_EQ(host->apps.begin()->second.got, damaged ? "" : text);
  }
  EXPECT_EQ(one().ack.v, 101u + 5'000);
}

}  // namespace
}  // namespace sluice::tcp
