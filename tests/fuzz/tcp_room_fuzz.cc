// SPDX-License-Identifier: Apache-2.0
// A TCP room lives through any sequence of segments, calls of services and time, on several flows at once,
// with listeners, connects and TIME-WAIT. After each step what must always hold is checked; at the end, after
// its services closed and time passed, nothing is left.
#include <map>
#include <optional>

#include "base/check.h"
#include "support/eal.h"
#include "support/fuzz_input.h"
#include "support/tcp_pair.h"

namespace sluice::test {
namespace {

using namespace wire::tcp_flag;

// The octet with sequence number q is table[q mod 2^16] on every flow, so what is sent, received and kept can
// be checked wherever it shows up, however often a connection begins anew.
struct Octets {
  static constexpr uint32_t period = 65'536;
  std::vector<uint8_t> table = std::vector<uint8_t>(2 * period);
  buf::Chunk chunk;
  explicit Octets(uint64_t seed) {
    Rng rng{seed};
    for (uint32_t i = 0; i < period; ++i) table[i] = table[i + period] = static_cast<uint8_t>(rng());
    chunk.data = table.data();
    chunk.size = 2 * period;
  }
  const uint8_t* at(SeqNum q) const { return table.data() + q.v % period; }
};
Octets ours{1}, theirs{2};

class Room final : public tcp::Surroundings {
 public:
  explicit Room(Bytes in) : in_{in}, before_{packet_pool().packets_free()} {
    const uint8_t how = in_.u8();
    tcp::Options o;
    o.connections = 6;
    o.half_open = (how & 64) ? 0 : 4;  // 0: cookies
    o.time_waits = 4;
    o.replies = 64;
    o.receive_buffer = 8'192;
    o.send_buffer = 16'384;
    o.send_buffer_most = 32'768;
    o.held_packets = 64;
    o.held_pieces = 16;
    o.retries = 4;
    o.syn_retries = o.syn_ack_retries = 2;
    o.timestamps = how & 1;
    o.window_scaling = how & 2;
    o.nagle = how & 4;
    o.keepalive = (how & 8) ? 5_s : 0_s;
    o.challenge_acks = 50;
    path_ = {static_cast<uint16_t>((how & 16) ? 576 : 1500), (how & 32) != 0, (how & 32) != 0};
    options_ = o;
    room_.emplace(o, packet_pool(), links_, count_, rng_, Host::keys(9), *this);
    room_->listen({}, Port{80}, 7);
  }
  tcp::Path path_to(const IpAddr&, uint16_t) override { return path_; }

  void run() {
    while (!in_.left.empty()) {
      step();
      settle();
      holds();
    }
    end();
  }

 private:
  static constexpr uint32_t link_count = 96;
  struct Line {  // what passed on a tuple lately
    SeqNum sent{0x1000}, acked{0xffff'ff00};
    std::optional<SeqNum> edge;
    uint8_t shift = 0;
  };
  struct App {
    SeqNum reads;
    bool closing = false;
  };

  void step() {
    switch (in_.u8() % 8) {
      case 0:
      case 1:
      case 2:
      case 3:
        return segment();
      case 4:
        now_ = now_ + Duration::from_ms(in_.u16());
        return room_->expire(now_);
      case 5:
        if (room_->deadline() == Instant::never()) return;
        now_ = std::max(now_ + 1_ms, room_->deadline());
        return room_->expire(now_);
      case 6: {
        const uint8_t which = in_.u8();
        const uint16_t port = static_cast<uint16_t>(1000 + which % 4);
        if (which & 8) return icmp(port, (which & 16) != 0);
        Tuple t{.remote = host_a, .local = host_b, .remote_port = {port}, .local_port = {9000}};
        if (const auto id = room_->connect(t, 1, now_)) ids_.push_back(*id);
        return;
      }
      default:
        whim_ = in_.u8();
        if (!ids_.empty()) room_->wake(ids_[in_.u8() % ids_.size()]);
    }
  }

  // Somebody on the way says that a segment of ours did not arrive; perhaps it is true.
  void icmp(uint16_t port, bool connected) {
    const Port local{static_cast<uint16_t>(connected ? 9000 : 80)};
    const Line& line = lines_[{port, local.v}];
    using Kind = tcp::IcmpNews::Kind;
    constexpr Kind kinds[] = {Kind::Soft, Kind::Hard, Kind::TooBig, Kind::TooBig};
    room_->on_icmp({.tuple = {.remote = host_a,
                              .local = host_b,
                              .remote_port = {port},
                              .local_port = local,
                              .proto = IpProto::Tcp},
                    .sequence = line.sent - static_cast<uint32_t>(in_.u8() * 16),
                    .kind = kinds[in_.u8() % 4],
                    .mtu = in_.u16()},
                   now_);
  }

  void segment() {
    const uint8_t kind = in_.u8(), where = in_.u8();
    const Port remote{static_cast<uint16_t>(1000 + where % 4)};
    const Port local{static_cast<uint16_t>((where & 4) ? 9000 : (where & 8) && (where & 16) ? 81 : 80)};
    Line& line = lines_[{remote.v, local.v}];
    const auto off = static_cast<int8_t>(in_.u8());
    const int32_t step = kind & 1 ? 400 : 1;
    const SeqNum seq = line.acked + static_cast<uint32_t>(off * step);
    SeqNum acks = line.sent;
    if (kind & 2) acks = acks + static_cast<uint32_t>(-static_cast<int32_t>(in_.u16()) / 4);
    uint8_t flags = ack;
    if (kind & 4) flags = in_.u8();
    const uint32_t text = kind & 8 ? in_.u16() % 1400 : 0;
    std::vector<uint8_t> options;
    if (kind & 16) add_options(in_.u8(), line, options);
    const RawWindow window{kind & 32 ? in_.u16() : uint16_t{0xffff}};
    const SeqNum first = seq + ((flags & syn) ? 1u : 0u);
    // In one packet or in a burst of several, which the room may merge. That the pool is short is somebody
    // else's test.
    const uint32_t each = kind & 128 ? text / (1 + in_.u8() % 8u) + 1 : text;
    buf::Batch batch;
    for (uint32_t at = 0; at == 0 || at < text; at += std::max(each, 1u)) {
      const uint32_t n = std::min(each, text - at);
      std::vector<uint8_t> b(wire::Tcp::header_len + options.size() + n);
      wire::Tcp::emit(b.data(), {.src = remote,
                                 .dst = local,
                                 .seq = at == 0 ? seq : first + at,
                                 .ack = acks,
                                 .flags = at == 0 ? flags : static_cast<uint8_t>(flags & ~syn),
                                 .window = window,
                                 .options = static_cast<uint8_t>(options.size())});
      std::copy(options.begin(), options.end(), b.begin() + wire::Tcp::header_len);
      std::copy_n(theirs.at(first + at), n, b.end() - static_cast<ptrdiff_t>(n));
      batch.push(ip4_packet(host_a, host_b, std::move(b)));
    }
    if (kind & 64)
      batch.push(buf::Packet{packet_of(batch[0].bytes())}), batch[batch.size() - 1].headers(0, 20, 0);
    room_->input(batch, now_);
    check(batch.empty(), "the room takes all");
  }
  void add_options(uint8_t which, const Line& line, std::vector<uint8_t>& o) {
    const auto put = [&](uint32_t v, int octets) {
      for (int s = 8 * (octets - 1); s >= 0; s -= 8) o.push_back(static_cast<uint8_t>(v >> s));
    };
    if (which & 1) o.insert(o.end(), {2, 4}), put(in_.u16(), 2);
    if (which & 2) o.insert(o.end(), {3, 3, static_cast<uint8_t>(in_.u8() % 16), 1});
    if (which & 4) o.insert(o.end(), {8, 10}), put(ts_ += in_.u8(), 4), put(in_.u16(), 4);
    if (which & 8) o.insert(o.end(), {4, 2});
    if (which & 16) {
      const SeqNum from = line.sent + static_cast<uint32_t>(-static_cast<int32_t>(in_.u16()) / 4);
      o.insert(o.end(), {5, 10});
      put(from.v, 4);
      put(from.v + in_.u16() / 8u, 4);
    }
    while (o.size() % 4 != 0) o.push_back(0);
    o.resize(std::min(o.size(), wire::Tcp::options_most));
  }

  void settle() {
    for (int n = 0;; ++n) {
      check(n < 1'000, "the room comes to rest");
      room_->for_each_ready(now_, [&](buf::Stream& s) { serve(s); });
      for (bool more = true; more;) {
        buf::Transmits out;
        more = room_->output(now_, out);
        check(more || out.size() <= out.capacity(), "output is bounded");
        for (buf::Transmit& t : out) look(t);
      }
      if (room_->deadline() > now_) return;
      room_->expire(now_);
    }
  }

  void serve(buf::Stream& s) {
    using namespace buf::stream_event;
    const tcp::Conn* c = room_->conn(s.id);
    check(c != nullptr, "a stream that is served exists");
    const uint64_t name = (uint64_t{s.id.generation} << 32) | s.id.index;
    auto [it, fresh] = apps_.try_emplace(name);
    App& app = it->second;
    if (fresh && std::find(ids_.begin(), ids_.end(), s.id) == ids_.end()) ids_.push_back(s.id);
    if (fresh)
      app.reads =
          c->rcv_nxt() - static_cast<uint32_t>(s.received.size()) - ((s.events & peer_closed) ? 1u : 0u);
    const bool last = (s.events & (closed | failed)) != 0;
    // A greedy service or one that leaves things lie, as the input has it.
    for (size_t n = last || !(whim_ & 1) ? SIZE_MAX : whim_ * 8; n != 0 && !s.received.empty();) {
      const Bytes got = s.received.front().first(std::min(n, s.received.front().size()));
      check(std::memcmp(got.data(), theirs.at(app.reads), got.size()) == 0, "it reads what was sent");
      app.reads = app.reads + static_cast<uint32_t>(got.size());
      n -= got.size();
      s.received.consume(got.size());
    }
    if (last) {
      apps_.erase(it);
      std::erase(ids_, s.id);
      return;
    }
    if ((whim_ & 2) && s.send_room != 0) {
      const SeqNum next = c->snd_una() + static_cast<uint32_t>(s.sending.size());
      const auto n = static_cast<uint32_t>(std::min<size_t>(s.send_room, (whim_ & 4) ? 9'000 : 70));
      (void)s.sending.push(buf::Slice{ours.chunk, next.v % Octets::period, n});
    }
    s.want_writable = whim_ & 8;
    s.close = (whim_ & 16) || ending_;
    s.abort = (whim_ & 96) == 96 && !ending_;
    if (s.abort) {
      apps_.erase(it);
      std::erase(ids_, s.id);
    }
  }

  // What leaves is well-formed, bears the right octets, and never takes back what it offered.
  void look(buf::Transmit& t) {
    check(t.packet.l4_len() >= 20, "a header");
    std::vector<uint8_t> all;
    for (const rte_mbuf* m = t.packet.raw(); m != nullptr; m = m->next) {
      const auto* p = rte_pktmbuf_mtod(m, const uint8_t*);
      all.insert(all.end(), p, p + m->data_len);
    }
    check(all.size() == t.packet.size(), "a chain that adds up");
    const auto h = wire::Tcp::parse(all);
    check(static_cast<bool>(h) && h->length() == t.packet.l4_len(), "a header that says its length");
    check(static_cast<bool>(wire::TcpOptions::parse(h->options())), "options that can be read");
    check(t.segment_size != 0 || all.size() + 20 <= path_.mtu, "a packet the path carries");
    check(!(h->flags() & syn) || !(h->flags() & (fin | rst)), "no SYN with FIN or RST");
    Line& line = lines_[{h->dst().v, h->src().v}];
    const auto o = *wire::TcpOptions::parse(h->options());
    if (h->flags() & syn) {
      line.edge.reset();
      line.sent = h->seq() + 1;
      if (h->flags() & ack) line.acked = h->ack();
      line.shift = o.shift ? o.shift->v : 0;
      check(h->text().empty(), "a SYN without text");
      return;
    }
    if (h->flags() & rst) return;
    check(h->flags() & ack, "everything after the SYN acknowledges");
    check(h->text().size() <= Octets::period &&
              std::memcmp(h->text().data(), ours.at(h->seq()), h->text().size()) == 0,
          "it sends what was written");
    line.sent =
        later(line.sent, h->seq() + static_cast<uint32_t>(h->text().size() + ((h->flags() & fin) ? 1 : 0)));
    line.acked = h->ack();
  }

  void holds() {
    uint32_t live = 0;
    for (const buf::StreamId id : ids_) {
      const tcp::Conn* c = room_->conn(id);
      if (c == nullptr) continue;
      ++live;
      const tcp::State s = c->state();
      check(!c->snd_una().after(c->snd_nxt()), "una is not past nxt");
      if (s == tcp::State::SynSent || s == tcp::State::Closed || s == tcp::State::TimeWait) continue;
      const SeqNum edge = c->rcv_nxt() + c->rcv_wnd();
      const uint64_t name = (uint64_t{id.generation} << 32) | id.index;
      auto& known = edges_[name];
      check(!known || !edge.before(*known), "the window never shrinks");
      known = edge;
      if (c->snd_una() != c->snd_nxt()) {
        check(c->deadline() != Instant::never(), "what is in flight is watched by a timer");
        check(room_->deadline() <= c->deadline() + 2_ms, "and the room knows");
      }
    }
    check(live <= options_.connections, "no more connections than allowed");
    check(room_->half_open() <= options_.half_open, "no more half-open ones than allowed");
    check(room_->connections(tcp::State::TimeWait) <= options_.time_waits, "nor TIME-WAIT records");
    check(links_.packets() <= options_.held_packets, "held packets are bounded");
  }

  // All services close, the peers are silent: after all timers nothing is left.
  void end() {
    ending_ = true;
    whim_ = 0;
    for (const buf::StreamId id : std::vector{ids_}) room_->wake(id);
    settle();
    for (int n = 0; n < 10'000 && room_->deadline() != Instant::never(); ++n) {
      now_ = std::max(now_ + 1_ms, room_->deadline());
      room_->expire(now_);
      for (const buf::StreamId id : std::vector{ids_}) room_->wake(id);
      settle();
    }
    check(room_->deadline() == Instant::never(), "all timers end");
    for (size_t s = 0; s < tcp::state_count; ++s)
      check(s == static_cast<size_t>(tcp::State::TimeWait) ||
                room_->connections(static_cast<tcp::State>(s)) == 0,
            "no connection is left behind");
    check(room_->half_open() == 0, "no half-open one either");
    room_.reset();
    check(links_.free() == link_count, "all links are back");
    check(ours.chunk.refs == 0, "all slices are back");
    check(packet_pool().packets_free() == before_, "all packets are back");
  }

  FuzzInput in_;
  const uint32_t before_;
  tcp::Options options_;
  tcp::Path path_;
  Counters count_;
  buf::LinkPool links_{link_count};
  Rng rng_{1};
  Instant now_{1'000'000'000};
  uint32_t ts_ = 1;
  uint8_t whim_ = 0;  // how services behave until the next whim
  bool ending_ = false;
  std::map<std::pair<uint16_t, uint16_t>, Line> lines_;
  std::map<uint64_t, App> apps_;
  std::map<uint64_t, std::optional<SeqNum>> edges_;
  std::vector<buf::StreamId> ids_;
  std::optional<tcp::Tcp> room_;
};

}  // namespace
}  // namespace sluice::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* d, size_t n) {
  if (n > 2048) return 0;
  sluice::test::Room{{d, n}}.run();
  return 0;
}
