// SPDX-License-Identifier: Apache-2.0
#include "netsim/world.h"

namespace sluice::test::netsim {
namespace {

uint64_t key(buf::StreamId id) { return (uint64_t{id.generation} << 32) | id.index; }
// Streams of different flows and directions differ.
uint64_t phase(const Flow& f, bool from_a) { return f.number * 2 + from_a; }

}  // namespace

World::World(const WorldOptions& o)
    : o_{o},
      a_{o.a, o.path, o.seed * 2 + 1},
      b_{o.b, o.path, o.seed * 2 + 2},
      up_{o.up, o.seed * 7 + 3},
      down_{o.down, o.seed * 7 + 4},
      links_a_{a_.links.free()},
      links_b_{b_.links.free()} {
  b_.room.listen({}, port, service);
}

Flow& World::add(uint64_t up, uint64_t down, Duration after) {
  flows_.push_back(
      std::make_unique<Flow>(Flow{.number = added_++, .up = up, .down = down, .begins = now + after}));
  return *flows_.back();
}

void World::stray_syn() {
  std::vector<uint8_t> b(wire::Tcp::header_len);
  const Port from{static_cast<uint16_t>(1'024 + next_stray_++ % 8'000)};
  wire::Tcp::emit(
      b.data(), {.src = from, .dst = port, .seq = {from.v}, .flags = wire::tcp_flag::syn, .window = {1'000}});
  buf::Batch batch;
  batch.push(ip4_packet(test::host_a, test::host_b, std::move(b)));
  b_.room.input(batch, now);
}

size_t World::forget_ended() {
  std::erase_if(by_port_, [](const auto& x) { return x.second->over(); });
  std::erase_if(flows_, [](const auto& f) { return f->over() || f->refused; });
  return flows_.size();
}

bool World::memory_is_back() const {
  return a_.links.free() == links_a_ && b_.links.free() == links_b_ && pattern_.at_rest();
}

bool World::run(Duration limit) {
  const Instant end = now + limit;
  for (int still = 0; now < end && fault_.empty();) {
    Instant next = end;
    for (const auto& f : flows_) {
      if (f->a.id || f->refused) continue;
      if (f->begins > now) {
        next = std::min(next, f->begins);
        continue;
      }
      const Tuple t{
          .remote = test::host_b, .local = test::host_a, .remote_port = port, .local_port = {next_port_}};
      next_port_ = next_port_ == UINT16_MAX ? first_port : static_cast<uint16_t>(next_port_ + 1);
      f->a.id = a_.room.connect(t, 1, now);
      if (!f->a.id) {
        f->refused = true;
        continue;
      }
      f->a.acted = f->b.acted = now;
      of_a_[key(*f->a.id)] = f.get();
      by_port_[t.local_port.v] = f.get();
    }
    turn(a_, up_, true);
    turn(b_, down_, false);
    next = std::min({next, up_.next(), down_.next(), a_.room.deadline(), b_.room.deadline()});
    const bool all_begun = std::all_of(flows_.begin(), flows_.end(),
                                       [](const auto& f) { return f->a.id.has_value() || f->refused; });
    if (next == end && up_.next() == Instant::never() && down_.next() == Instant::never() &&
        a_.room.deadline() == Instant::never() && b_.room.deadline() == Instant::never() && all_begun)
      return true;
    still = next > now ? 0 : still + 1;
    if (still > 10'000) fail("time stands still");
    now = std::max(now, next);
    deliver(b_, up_, false);
    deliver(a_, down_, true);
    for (const auto& f : flows_) {
      watch(a_, o_.a, f->a, "a");
      watch(b_, o_.b, f->b, "b");
    }
  }
  return false;
}

void World::turn(Host& h, Link& out, bool is_a) {
  h.room.expire(now);
  h.room.for_each_ready(now, [&](buf::Stream& s) { serve(s, is_a); });
  for (bool more = true; more;) {
    buf::Transmits t;
    more = h.room.output(now, t);
    for (buf::Transmit& x : t) send(x, out);
  }
}

// Cuts what a device with segmentation would cut, and puts it on the line.
void World::send(buf::Transmit& x, Link& link) {
  std::vector<uint8_t> all;
  for (const rte_mbuf* m = x.packet.raw(); m != nullptr; m = m->next) {
    const auto* p = rte_pktmbuf_mtod(m, const uint8_t*);
    all.insert(all.end(), p, p + m->data_len);
  }
  const size_t header = x.packet.l4_len(), text = all.size() - header;
  const size_t step = x.segment_size != 0 ? x.segment_size : std::max<size_t>(text, 1);
  if (x.segment_size == 0 && all.size() + 20 > o_.path.mtu) fail("a packet larger than the path's MTU");
  for (size_t at = 0; at == 0 || at < text; at += step) {
    const size_t n = std::min(step, text - at);
    Datagram d;
    d.ecn = x.tos & 3;
    d.segment.assign(all.begin(), all.begin() + static_cast<ptrdiff_t>(header));
    store_be<uint32_t>(d.segment.data() + 4,
                       load_be<uint32_t>(d.segment.data() + 4) + static_cast<uint32_t>(at));
    if (at + n < text) d.segment[13] &= static_cast<uint8_t>(~9);  // FIN and PSH belong to the last
    if (at != 0) d.segment[13] &= static_cast<uint8_t>(~128);      // CWR to the first
    d.segment.insert(d.segment.end(), all.begin() + static_cast<ptrdiff_t>(header + at),
                     all.begin() + static_cast<ptrdiff_t>(header + at + n));
    // The checksum is made before the line can do harm.
    const uint16_t sum =
        wire::pseudo_header(x.src.v4(), x.dst.v4(), 6, static_cast<uint32_t>(d.segment.size()))
            .add(d.segment)
            .checksum();
    store_be<uint16_t>(d.segment.data() + wire::Tcp::checksum_at, sum);
    link.send(std::move(d), now);
  }
}

void World::deliver(Host& h, Link& in, bool is_a) {
  const Ip4Addr src = is_a ? test::host_b : test::host_a, dst = is_a ? test::host_a : test::host_b;
  for (bool more = true; more;) {
    buf::Batch batch;
    while (!batch.full()) {
      auto d = in.take(now);
      if (!d) break;
      buf::Packet p = ip4_packet(src, dst, std::move(d->segment), false);
      p.data()[1] = d->ecn;
      batch.push(std::move(p));
    }
    more = !batch.empty();
    if (more) h.room.input(batch, now);
  }
}

void World::serve(buf::Stream& s, bool is_a) {
  using namespace buf::stream_event;
  auto& known = is_a ? of_a_ : of_b_;
  auto it = known.find(key(s.id));
  if (it == known.end()) {
    const auto f = by_port_.find(s.tuple->remote_port.v);
    if (is_a || f == by_port_.end()) return fail("a stream nobody opened");
    it = known.emplace(key(s.id), f->second).first;
    f->second->b.id = s.id;
  }
  Flow& f = *it->second;
  Flow::End& e = is_a ? f.a : f.b;
  if ((s.events & opened) != 0) f.opened = true;
  if ((s.events & peer_closed) != 0) e.peer_closed = true;
  for (; !s.received.empty(); s.received.consume(s.received.front().size())) {
    const Bytes got = s.received.front();
    if (!pattern_.fits(phase(f, !is_a), e.read, got))
      fail("the octets that arrive are not those that were sent");
    e.read += got.size();
    e.moved = now;
  }
  const uint64_t expects = is_a ? f.down : f.up, writes = is_a ? f.up : f.down;
  if (e.read > expects) fail("more octets than were sent");
  if (e.peer_closed && e.read != expects) fail("the end came before the last octet");
  if ((s.events & (closed | failed)) != 0) {
    e.closed = (s.events & closed) != 0;
    e.failed = !e.closed;
    known.erase(it);
    return;
  }
  for (size_t room = s.send_room; e.wrote < writes && room != 0;) {
    const auto n = static_cast<uint32_t>(std::min<uint64_t>({writes - e.wrote, room, 16'384}));
    if (!s.sending.push(pattern_.slice(phase(f, is_a), e.wrote, n))) break;
    e.wrote += n;
    room -= n;
  }
  if (is_a && e.wrote + e.read >= f.abort_at) {
    s.abort = f.aborted = e.failed = true;
    known.erase(it);
    return;
  }
  s.want_writable = e.wrote < writes;
  s.close = e.wrote == writes;
}

// RFC 6298: with something in flight, an end is never silent for longer than its retransmission timeout.
void World::watch(const Host& h, const tcp::Options& o, Flow::End& e, const char* who) {
  const tcp::Conn* c = e.id ? h.room.conn(*e.id) : nullptr;
  if (c == nullptr || c->state() == tcp::State::SynSent) return;
  const tcp::Info i = c->info();
  if (c->snd_una() != e.una || c->snd_nxt() != e.nxt || i.retransmits != e.again || i.in_flight == 0) {
    e.acted = now;
    e.una = c->snd_una();
    e.nxt = c->snd_nxt();
    e.again = i.retransmits;
  }
  // The timer was set by what the estimate was then; a sample since may have cut it back (RFC 6298 §5 leaves
  // the timer alone until new octets are acknowledged).
  e.rto = e.acted == now ? i.rto : std::max(e.rto, i.rto);
  const Duration most = e.rto * 2 + o.rto_min;
  if (now - e.acted > most)
    fail(std::string{"end "} + who + " is silent for " + std::to_string((now - e.acted).ms()) +
         " ms with text in flight, RTO " + std::to_string(i.rto.ms()));
}

}  // namespace sluice::test::netsim
