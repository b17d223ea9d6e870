// SPDX-License-Identifier: Apache-2.0
#include "app/load/host.h"

namespace sluice::load {

Host::Host(const HostOptions& o, std::span<const buf::Interface> interfaces,
           std::shared_ptr<const ip::Routes> routes, std::span<buf::NetPort* const> ports,
           buf::PacketPool& pool, buf::LinkPool& links, Counters& count, Rng& rng, const tcp::Keys& keys)
    : ports_{ports.begin(), ports.end()},
      routes_{std::move(routes)},
      out_{ports.size(),
           [](void* self, uint16_t port, buf::Batch& frames) {
             auto& host = *static_cast<Host*>(self);
             host.sent_ += frames.size();
             host.ports_[port]->tx(frames);
           },
           this},
      link_{o.link, interfaces, true, pool, count, rng, {.options = o.nd, .advertise = {}, .router = false}},
      fragments_{o.ip, pool, count, rng,
                 ip::Onward{[](void* self, buf::Egresses& out, Instant now) {
                              static_cast<Host*>(self)->send(out, now);
                            },
                            this}},
      ip_{o.ip, interfaces, routes_, fragments_, count, rng},
      ip6_{o.ip, interfaces, routes_, fragments_, count, rng},
      paths_{ip_, ip6_},
      tcp_{o.tcp, pool, links, count, rng, keys, paths_} {}

size_t Host::receive(Instant now) {
  size_t received = 0;
  for (uint16_t port = 0; port < ports_.size(); ++port) {
    buf::Batch frames;
    ports_[port]->rx(frames);
    received += frames.size();
    if (!frames.empty()) input(port, frames, now);
  }
  return received;
}

void Host::input(uint16_t port, buf::Batch& frames, Instant now) {
  link::In framed;
  link_.input(port, frames, framed);
  if (!framed.arp.empty()) link_.arp(framed.arp, now, out_);
  ip::In packets;
  ip_.input(framed.ip4, packets);
  if (!packets.fragments.empty()) {
    buf::Batch whole;
    ip_.reassemble(packets.fragments, now, whole);
    ip_.deliver(whole, packets);
  }
  if (!framed.ip6.empty()) input6(framed.ip6, packets, now);
  if (!packets.tcp.empty()) tcp_.input(packets.tcp, now);
  if (packets.icmp.empty()) return;
  ip::IcmpErrors errors;  // about what we sent; what is lost is counted by the load
  buf::Egresses out;
  ip_.icmp(packets.icmp, now, out, errors);
  send(out, now);
}

void Host::input6(buf::Batch& frames, ip::In& transports, Instant now) {
  ip::In6 packets;
  ip6_.input(frames, transports, packets);
  if (!packets.nd.empty()) {
    link_.nd(packets.nd, now, out_);
    follow_addresses();
  }
  if (!packets.fragments.empty()) {
    buf::Batch whole;
    ip6_.reassemble(packets.fragments, now, whole, packets);
    ip6_.deliver(whole, transports, packets);
  }
  ip::IcmpErrors errors;
  buf::Egresses out;
  if (!packets.icmp.empty()) ip6_.icmp(packets.icmp, now, out, errors);
  send(out, now);
  if (!packets.problems.empty()) ip6_.tell(packets.problems, now, out);
  send(out, now);
}

// What link has proved ours is what ip answers to. Nobody advertises here, so nothing else changes.
void Host::follow_addresses() {
  link::AddressChanges changes;
  link_.take_changes(changes);
  for (const link::AddressChange& c : changes) {
    if (c.kind == link::AddressChange::Kind::Use) ip6_.addresses().use({c.addr, c.port, c.length});
    if (c.kind == link::AddressChange::Kind::Drop) ip6_.addresses().drop({c.addr, c.port, c.length});
  }
}

void Host::expire(Instant now) {
  if (link_.deadline() <= now) {
    link_.expire(now, out_);
    follow_addresses();
    link::Messages nobody;  // there are no other workers to tell
    link_.take_messages(nobody);
  }
  buf::Batch untold;  // a host that only calls owes nobody an error
  while (fragments_.reassembly.expire(now, untold)) untold.clear();
}

size_t Host::send(Instant now) {
  for (bool more = true; more;) {
    buf::Transmits batch;
    more = tcp_.output(now, batch);
    if (batch.empty()) continue;
    buf::Egresses out;
    // A load calls in one family.
    if (batch[0].dst.is_v4())
      ip_.output(batch, now, out);
    else
      ip6_.output(batch, now, out);
    send(out, now);
  }
  buf::Egresses failed;  // to next hops that do not answer
  link_.take_failed(failed);
  out_.flush();
  return std::exchange(sent_, 0);
}

void Host::send(buf::Egresses& packets, Instant now) {
  if (!packets.empty()) link_.output(packets, now, out_);
}

std::optional<Mac> Host::mac_of(uint16_t port, const IpAddr& neighbour, Instant now) {
  const link::Neighbour* n = link_.neighbours().find(port, neighbour);
  if (n != nullptr && n->has_mac()) return n->mac;
  if (n == nullptr) link_.on_message({.port = port, .addr = neighbour}, now, out_);
  return std::nullopt;
}

tcp::Path Host::Paths::path_to(const IpAddr& remote, uint16_t) {
  const auto path = remote.is_v4() ? ip_.path(remote) : ip6_.path(remote.v6());
  if (!path) return {};
  return {.mtu = path->mtu, .tcp_segmentation = path->tcp_segmentation, .multi_segment = path->multi_segment};
}

}  // namespace sluice::load
