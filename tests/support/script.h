// SPDX-License-Identifier: Apache-2.0
// Packet scripts: one connection in virtual time, its peer played by the test. Sequence numbers are relative:
// the first octet of text is 1 on both sides, whatever the initial numbers were.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "buf/stream.h"
#include "tcp/conn.h"

namespace sluice::test {

// What a line of a script says; what it leaves out is what an ordinary segment has.
struct Line {
  uint32_t seq = UINT32_MAX;  // got: the next of the peer; sent: not looked at
  uint32_t ack = UINT32_MAX;  // got: all we sent; sent: not looked at
  uint32_t len = 0;
  uint32_t each = 0;                    // got: a run, merged of packets of so many octets; 0: one packet
  uint8_t flags = wire::tcp_flag::ack;  // PSH is not looked at
  std::optional<uint16_t> window;       // raw; got: 65535
  std::optional<uint16_t> mss;
  std::optional<uint8_t> shift;
  std::optional<wire::TcpTimestamps> ts;
  std::vector<std::pair<uint32_t, uint32_t>> sack;  // got: ours; sent: the peer's, not looked at when empty
  bool sack_permitted = false;
  uint8_t ecn = 0;  // got: of the IP header
};

struct World {
  tcp::Options options;
  uint32_t iss = 5'000, irs = 900'000;
  uint32_t path_mss = 1'460, max_segment_text = 0;
  tcp::Algorithm congestion = tcp::Algorithm::Cubic;
  Line syn{.flags = wire::tcp_flag::syn, .window = 65535, .mss = 1000};

  // What a script is about, it says itself.
  World() {
    options.timestamps = options.window_scaling = options.sack = false;
    options.receive_window = options.receive_buffer = 262'144;
    options.quick_acks = 0;
  }
  World with(void (*change)(World&)) const {
    World w = *this;
    change(w);
    return w;
  }
};

class Script {
 public:
  static constexpr uint8_t fin = wire::tcp_flag::fin, syn = wire::tcp_flag::syn, rst = wire::tcp_flag::rst,
                           ack = wire::tcp_flag::ack;

  // A passive connection that has got its SYN and not answered yet.
  static Script passive(const World& w = {}) { return Script{w, true}; }
  static Script active(const World& w = {}) { return Script{w, false}; }
  static Script established(const World& w = {}) {
    Script s = passive(w);
    s.sends({.seq = 0, .ack = 1, .flags = syn | ack}).gets({.ack = 1}).quiet().is(tcp::State::Established);
    s.events();
    return s;
  }
  Script(Script&&) = default;

  // The peer's segment arrives.
  Script& gets(Line l) {
    tcp::Segment s = value(l);
    buf::ByteQueue text{inside_->links};
    for (uint32_t at = 0; at < l.len; at += l.each != 0 ? l.each : l.len)
      (void)text.push(slice(peer_text(s.seq + at, std::min(l.each != 0 ? l.each : l.len, l.len - at))));
    s.mss = static_cast<uint16_t>(l.each);
    answer_ = conn().on_segment(s, std::move(text), now);
    const uint32_t end = s.seq.v - world().irs + s.length();
    if (static_cast<int32_t>(end - peer_next_) > 0) peer_next_ = end;
    return *this;
  }
  // The connection sends this next.
  Script& sends(Line l, const std::source_location at = std::source_location::current()) {
    tcp::Segment s;
    if (!conn().next_segment(now, s)) return fail(at, "sends nothing");
    last = s;
    const uint8_t flags = s.flags & static_cast<uint8_t>(~wire::tcp_flag::psh);
    if (flags != l.flags) fail(at, "flags " + std::to_string(flags));
    if (s.text != l.len) fail(at, "length " + std::to_string(s.text));
    if (l.seq != UINT32_MAX && s.seq.v - world().iss != l.seq)
      fail(at, "sequence " + std::to_string(s.seq.v - world().iss));
    if (l.ack != UINT32_MAX && s.ack.v - world().irs != l.ack)
      fail(at, "acknowledges " + std::to_string(s.ack.v - world().irs));
    if (l.window && s.window.v != *l.window) fail(at, "window " + std::to_string(s.window.v));
    if (l.mss && s.options.mss != l.mss) fail(at, "another MSS");
    if (l.ts && s.options.timestamps != l.ts) fail(at, "other timestamps");
    if (l.shift && (!s.options.shift || s.options.shift->v != *l.shift)) fail(at, "another shift");
    if (l.sack_permitted && !s.options.sack_permitted) fail(at, "does not permit SACK");
    if (!l.sack.empty() && blocks(s) != l.sack) fail(at, "selectively acknowledges " + as_text(blocks(s)));
    if (s.text != 0 && sent_text(s) != our_text(s.seq, s.text)) fail(at, "other bytes");
    return *this;
  }
  // And nothing else.
  Script& quiet(const std::source_location at = std::source_location::current()) {
    tcp::Segment s;
    if (conn().next_segment(now, s))
      fail(at, "sends seq " + std::to_string(s.seq.v - world().iss) + " len " + std::to_string(s.text) +
                   " flags " + std::to_string(s.flags));
    return *this;
  }
  // Time passes; timers fire on the way, each at its moment.
  Script& after(Duration d) {
    const Instant end = now + d;
    while (conn().deadline() <= end) {
      now = std::max(now, conn().deadline());
      conn().on_deadline(now);
    }
    now = end;
    return *this;
  }
  // To the next deadline, which is `d` from now.
  Script& fires_after(Duration d, const std::source_location at = std::source_location::current()) {
    const Duration real = conn().deadline() - now;
    if (conn().deadline() == Instant::never()) return fail(at, "no timer runs");
    if (real != d) fail(at, "fires after " + std::to_string(real.us()) + " us");
    now = conn().deadline();
    conn().on_deadline(now);
    return *this;
  }
  Script& nothing_armed(const std::source_location at = std::source_location::current()) {
    return conn().deadline() == Instant::never() ? *this : fail(at, "a timer runs");
  }
  // The application.
  Script& write(uint32_t n) {
    const std::string bytes = our_text({world().iss + 1 + written_}, n);
    written_ += n;
    check(conn().sending().push(slice(bytes)), "links for a test");
    return *this;
  }
  Script& reads(uint32_t n, const std::source_location at = std::source_location::current()) {
    std::string got(n, '\0');
    if (conn().received().size() < n) return fail(at, "holds " + std::to_string(conn().received().size()));
    conn().received().copy(0, {reinterpret_cast<uint8_t*>(got.data()), n});
    if (got != peer_text({world().irs + 1 + read_}, n)) fail(at, "other bytes");
    conn().received().consume(n);
    read_ += n;
    conn().consumed();
    return *this;
  }
  Script& holds(uint32_t n, const std::source_location at = std::source_location::current()) {
    return conn().received().size() == n ? *this
                                         : fail(at, "holds " + std::to_string(conn().received().size()));
  }
  Script& close() {
    conn().close(now);
    return *this;
  }
  Script& is(tcp::State s, const std::source_location at = std::source_location::current()) {
    return conn().state() == s ? *this : fail(at, std::string{"is "} + tcp::name_of(conn().state()));
  }
  Script& has_events(uint8_t bits, const std::source_location at = std::source_location::current()) {
    const uint8_t e = events();
    return (e & bits) == bits && (bits != 0 || e == 0) ? *this : fail(at, "events " + std::to_string(e));
  }
  Script& resets(const std::source_location at = std::source_location::current()) {
    return answer_ == tcp::Conn::Answer::Reset ? *this : fail(at, "the segment is not answered with a reset");
  }
  Script& counted(Counter c, uint64_t n, const std::source_location at = std::source_location::current()) {
    return inside_->count[c] == n ? *this : fail(at, "counted " + std::to_string(inside_->count[c]));
  }
  uint8_t events() { return conn().take_events(); }
  tcp::Conn& conn() { return *inside_->conn; }
  const World& world() const { return inside_->world; }

  Instant now{1'000'000'000};
  tcp::Segment last;

 private:
  struct Inside {
    explicit Inside(const World& w) : world{w} {}
    World world;
    Counters count;
    buf::LinkPool links{4096};
    Rng rng{1};
    tcp::Shared shared{world.options, count, links, rng};
    std::optional<tcp::Conn> conn;
  };
  Script(const World& w, bool passive) : inside_{std::make_unique<Inside>(w)} {
    const tcp::Setup setup{.iss = {w.iss},
                           .mss = static_cast<uint16_t>(w.path_mss),
                           .max_segment_text = w.max_segment_text,
                           .congestion = w.congestion};
    if (passive) {
      Line first = w.syn;
      first.seq = 0;
      inside_->conn.emplace(inside_->shared, setup, value(first), now);
      peer_next_ = 1;
    } else {
      inside_->conn.emplace(inside_->shared, setup, now);
    }
  }
  tcp::Segment value(const Line& l) {
    tcp::Segment s{.seq = {world().irs + (l.seq == UINT32_MAX ? peer_next_ : l.seq)},
                   .flags = l.flags,
                   .window = {l.window.value_or(65535)},
                   .text = l.len};
    if (l.flags & ack) s.ack = l.ack == UINT32_MAX ? conn().snd_nxt() : SeqNum{world().iss + l.ack};
    s.options.mss = l.mss;
    if (l.shift) s.options.shift = WindowShift{*l.shift};
    s.options.timestamps = l.ts;
    s.options.sack_permitted = l.sack_permitted;
    s.ecn = l.ecn;
    for (const auto& [first, end] : l.sack)
      s.options.sacks.push({{world().iss + first}, {world().iss + end}});
    return s;
  }
  std::vector<std::pair<uint32_t, uint32_t>> blocks(const tcp::Segment& s) const {
    std::vector<std::pair<uint32_t, uint32_t>> all;
    for (const wire::SackBlock b : s.options.sacks)
      all.emplace_back(b.first.v - world().irs, b.end.v - world().irs);
    return all;
  }
  static std::string as_text(const std::vector<std::pair<uint32_t, uint32_t>>& all) {
    std::string t = "nothing";
    for (const auto& [first, end] : all) t += ", " + std::to_string(first) + "-" + std::to_string(end);
    return t;
  }
  // Text is a function of its place in the stream, so that any stretch can be checked anywhere.
  static std::string text(uint32_t from, uint32_t n, uint32_t salt) {
    std::string s(n, '\0');
    for (uint32_t i = 0; i < n; ++i) s[i] = static_cast<char>((from + i + salt) * 2654435761u >> 24);
    return s;
  }
  std::string peer_text(SeqNum at, uint32_t n) const { return text(at.v - world().irs, n, 1); }
  std::string our_text(SeqNum at, uint32_t n) const { return text(at.v - world().iss, n, 2); }
  std::string sent_text(const tcp::Segment& s) {
    std::string t(s.text, '\0');
    conn().sending().copy(s.text_at, {reinterpret_cast<uint8_t*>(t.data()), t.size()});
    return t;
  }
  static buf::Slice slice(const std::string& bytes) {
    if (bytes.empty()) return {};
    struct Owned {
      buf::Chunk chunk;
      std::string bytes;
    };
    auto* o = new Owned{{}, bytes};
    o->chunk = {.data = reinterpret_cast<uint8_t*>(o->bytes.data()),
                .size = static_cast<uint32_t>(bytes.size()),
                .release = [](buf::Chunk& c) { delete static_cast<Owned*>(c.owner); },
                .owner = o};
    return buf::Slice{o->chunk, 0, static_cast<uint32_t>(bytes.size())};
  }
  Script& fail(const std::source_location& at, const std::string& what) {
    ADD_FAILURE_AT(at.file_name(), static_cast<int>(at.line())) << "the connection " << what;
    return *this;
  }

  std::unique_ptr<Inside> inside_;
  uint32_t peer_next_ = 0, written_ = 0, read_ = 0;
  tcp::Conn::Answer answer_ = tcp::Conn::Answer::None;
};

}  // namespace sluice::test
