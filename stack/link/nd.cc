// SPDX-License-Identifier: Apache-2.0
#include "link/nd.h"

#include <algorithm>

#include "wire/ip6.h"
#include "wire/mld.h"

namespace sluice::link {

using buf::Egress;
using Kind = AddressChange::Kind;
using wire::Icmp6;
using wire::Ip6;

namespace {

constexpr Duration two_hours = 7200_s;

Instant after(Instant now, uint32_t seconds) {
  return seconds == UINT32_MAX ? Instant::never() : now + Duration::from_s(seconds);
}
Ip6Addr with_eui64(const Ip6Addr& prefix, const Mac& mac) {
  Ip6Addr a = prefix;
  store_be<uint64_t>(a.b.data() + 8, mac.eui64());
  return a;
}

}  // namespace

Nd::Nd(const NdOptions& options, std::span<const buf::Interface> ports, std::span<const Advertise> advertise,
       bool writer, bool router, buf::PacketPool& pool, Counters& count, Rng& rng)
    : options_{options},
      ports_{ports.begin(), ports.end()},
      advertise_(ports.size()),
      writer_{writer},
      router_{router},
      pool_{pool},
      count_{count},
      rng_{rng},
      mld_{ports.size()},
      slaac_(ports.size()),
      retell_at_{writer ? Instant{} : Instant::never()} {
  std::ranges::copy(advertise, advertise_.begin());
  for (uint16_t i = 0; i < ports_.size(); ++i) {
    advertisers_.emplace_back(writer && ports_[i].ip6 && advertise_[i].enabled, advertise_[i].most_interval);
    if (!ports_[i].ip6) continue;
    if (router) mld_.join(i, Ip6Addr::all_routers(), {});
    if (!writer) continue;
    for (const Prefix& p : given(ports_[i])) add_address(p.addr.v6(), p.length, i, {});
  }
}

// The addresses that the user, or their absence, gives a port.
std::vector<Prefix> Nd::given(const buf::Interface& port) {
  std::vector<Prefix> all;
  if (!port.ip6) return all;
  // RFC 4291 §2.8: a node has a link-local address on each link; the user may have said which.
  const auto link_local = [](const Prefix& p) { return !p.addr.is_v4() && p.addr.v6().is_link_local(); };
  if (std::ranges::none_of(port.addresses, link_local))
    all.push_back({with_eui64(link_local_prefix, port.caps.mac), 64});
  std::ranges::copy_if(port.addresses, std::back_inserter(all),
                       [](const Prefix& p) { return !p.addr.is_v4(); });
  return all;
}

void Nd::add_address(const Ip6Addr& addr, uint8_t length, uint16_t port, Instant now) {
  own_.emplace_back(addr, length, port);
  mld_.join(port, addr.solicited_node(), now);
}

void Nd::forget(size_t i) {
  const OwnAddress6 a = own_[i];
  own_.erase(own_.begin() + static_cast<ptrdiff_t>(i));
  mld_.leave(a.port(), a.addr().solicited_node());
  if (a.usable()) tell(Kind::Drop, a.port(), a.addr(), a.length());
}

OwnAddress6* Nd::own(uint16_t port, const Ip6Addr& addr) {
  const auto at =
      std::ranges::find_if(own_, [&](const OwnAddress6& a) { return a.port() == port && a.addr() == addr; });
  return at == own_.end() ? nullptr : &*at;
}

Ip6Addr Nd::sender_for(uint16_t port, const Ip6Addr& target) const {
  Ip6Addr any;
  for (const OwnAddress6& a : own_) {
    if (a.port() != port || !a.usable()) continue;
    if (a.addr().is_link_local() == target.is_link_local()) {
      if (Prefix{a.addr(), a.length()}.contains(target)) return a.addr();
    }
    if (any.is_unspecified() || a.addr().is_link_local()) any = a.addr();
  }
  return any;
}

bool Nd::on_link(uint16_t port, const Ip6Addr& addr) const {
  if (addr.is_link_local()) return true;
  if (std::ranges::any_of(ports_[port].addresses, [&](const Prefix& p) { return p.contains(addr); }))
    return true;
  return std::ranges::any_of(slaac_[port].networks,
                             [&](const Slaac::Fact& f) { return Prefix{f.addr, f.length}.contains(addr); });
}

void Nd::lose(OwnAddress6& a) {
  if (a.on_conflict()) count_.add(Counter::nd_duplicate);
}

void Nd::on_router_solicitation(uint16_t port, Instant now) {
  count_.add(Counter::nd_router_solicitations_in);
  advertisers_[port].on_solicitation(now, rng_);
}

// RFC 4861 §6.3.4, RFC 4862 §5.5.3.
void Nd::on_router_advertisement(uint16_t port, const Ip6Addr& from, const wire::RouterAdvertisement& ra,
                                 Instant now) {
  if (!ports_[port].slaac) return count_.add(Counter::nd_router_advertisement_ignored);
  count_.add(Counter::nd_router_advertisements_in);
  Slaac& s = slaac_[port];
  const auto v = ra.value();
  if (v.lifetime != 0) s.answered();
  switch (Slaac::learn(s.routers, from, 128, after(now, v.lifetime), now, options_.slaac_routers)) {
    case Slaac::Learned::New:
      tell(Kind::Router, port, from, 128);
      break;
    case Slaac::Learned::Gone:
      tell(Kind::NoRouter, port, from, 128);
      break;
    case Slaac::Learned::Refused:
      count_.add(Counter::nd_too_many);
      break;
    case Slaac::Learned::Known:
      break;
  }
  wire::for_each_nd_option(ra.options(), [&](wire::NdOption type, Bytes o) {
    if (type != wire::NdOption::PrefixInformation || o.size() != wire::PrefixInformation::len) return;
    learn_prefix(port, wire::PrefixInformation::load(o), now);
  });
}

void Nd::learn_prefix(uint16_t port, const wire::PrefixInformation& p, Instant now) {
  if (p.prefix.is_link_local() || p.prefix.is_multicast() || p.length > 128) return;
  Slaac& s = slaac_[port];
  const Instant valid = after(now, p.valid);
  if (p.on_link) {
    const auto learned = Slaac::learn(s.networks, p.prefix, p.length, valid, now, options_.slaac_prefixes);
    if (learned == Slaac::Learned::New) tell(Kind::OnLink, port, p.prefix, p.length);
    if (learned == Slaac::Learned::Gone) tell(Kind::NotOnLink, port, p.prefix, p.length);
    if (learned == Slaac::Learned::Refused) count_.add(Counter::nd_too_many);
  }
  // The interface identifier of Ethernet has 64 bits (RFC 2464 §4): other lengths make no address.
  if (!p.autonomous || p.length != 64 || p.preferred > p.valid) return;
  const Ip6Addr addr = with_eui64(p.prefix, ports_[port].caps.mac);
  const Instant preferred = after(now, p.preferred);
  OwnAddress6* a = own(port, addr);
  if (a == nullptr) {
    if (p.valid == 0) return;
    const auto learned =
        std::ranges::count_if(own_, [&](const OwnAddress6& x) { return x.port() == port && x.learned(); });
    if (static_cast<size_t>(learned) >= options_.slaac_prefixes) return count_.add(Counter::nd_too_many);
    add_address(addr, 64, port, now);
    own_.back().live(preferred, valid);
    return;
  }
  if (!a->learned()) return;  // the user's own
  // §5.5.3 (e): nobody unauthenticated cuts a lifetime to less than two hours.
  Instant until = valid;
  if (until <= now + two_hours && until < a->valid_until())
    until = std::min(a->valid_until(), now + two_hours);
  a->live(preferred, until);
}

void Nd::on_query(uint16_t port, const Ip6Addr& group, uint32_t max_response_ms, Instant now) {
  count_.add(Counter::mld_queries_in);
  if (!writer_) return;
  mld_.on_query(port, group, Duration::from_ms(std::min(max_response_ms, Mld::longest_response_ms)), now,
                rng_);
}

// -- packets

// ICMPv6 with hop limit 255 (RFC 4861 §7.1), or 1 and a router alert (RFC 3810 §5).
template <class F>
Egress Nd::message(uint16_t port, const Ip6Addr& src, const Ip6Addr& dst, size_t size, bool router_alert,
                   F&& write) {
  buf::Packet p = pool_.alloc();
  const size_t option = router_alert ? wire::mld_hop_by_hop_len : 0;
  uint8_t* at = p ? p.append(static_cast<uint16_t>(Ip6::header_len + option + size)) : nullptr;
  if (at == nullptr) {
    count_.add(Counter::nd_no_packet);
    return {};
  }
  Ip6::emit(at, {.traffic_class = 0xc0,  // internetwork control, as routers mark it
                 .payload_length = static_cast<uint16_t>(option + size),
                 .next_header = router_alert ? uint8_t{0} : static_cast<uint8_t>(IpProto::Icmp6),
                 .hop_limit = router_alert ? uint8_t{1} : uint8_t{255},
                 .src = src,
                 .dst = dst});
  if (router_alert) wire::emit_mld_hop_by_hop(at + Ip6::header_len);
  uint8_t* body = at + Ip6::header_len + option;
  write(body);
  Icmp6::seal({body, size}, src, dst);
  p.headers(0, static_cast<uint16_t>(Ip6::header_len + option), 0);
  p.ingress(UINT16_MAX);  // our own: nobody is told when it cannot be delivered
  return {std::move(p), port, IpAddr{dst}};
}

Egress Nd::solicit(uint16_t port, const Ip6Addr& target, const Ip6Addr& src, const Ip6Addr& dst,
                   std::optional<uint64_t> nonce) {
  wire::NeighbourSolicitationValue v{.target = target, .nonce = nonce};
  if (!src.is_unspecified()) v.source = ports_[port].caps.mac;
  count_.add(Counter::nd_solicitations_out);
  return message(port, src, dst, v.size(), false, [&](uint8_t* out) { wire::emit(out, v); });
}

Egress Nd::advertise(uint16_t port, const Ip6Addr& target, const Ip6Addr& dst, bool solicited) {
  const wire::NeighbourAdvertisementValue v{.router = router_,
                                            .solicited = solicited,
                                            .override_ = true,
                                            .target = target,
                                            .mac = ports_[port].caps.mac};
  count_.add(Counter::nd_advertisements_out);
  return message(port, target, dst, v.size(), false, [&](uint8_t* out) { wire::emit(out, v); });
}

Egress Nd::advertisement(uint16_t port, bool last) {
  const Advertise& a = advertise_[port];
  const Ip6Addr from = sender_for(port, link_local_prefix);
  count_.add(Counter::nd_router_advertisements_out);
  return message(port, from, Ip6Addr::all_nodes(), a.size(), false,
                 [&](uint8_t* out) { a.emit(out, ports_[port].caps.mac, last); });
}

void Nd::push(Egress&& e, buf::Egresses& out) {
  if (e.packet) out.push(std::move(e));
}

// -- time

void Nd::use(const OwnAddress6& a, Instant now) {
  tell(Kind::Use, a.port(), a.addr(), a.length());
  if (!a.addr().is_link_local()) return;
  advertisers_[a.port()].start(now);
  if (ports_[a.port()].slaac) slaac_[a.port()].start(now);
}

void Nd::expire(Instant now, buf::Egresses& out) {
  if (!writer_) return;
  for (size_t i = 0; i < own_.size();) {
    OwnAddress6& a = own_[i];
    // What cannot be told now waits for the next call: whoever does not hear of an address does not answer to
    // it.
    if (a.deadline() > now || out.full() || told_.full()) {
      ++i;
      continue;
    }
    switch (a.on_deadline(now, options_, rng_)) {
      case OwnAddress6::Action::Probe:  // RFC 4862 §5.4.2: from nobody, to the group of the address
        push(solicit(a.port(), a.addr(), {}, a.addr().solicited_node(), a.nonce()), out);
        break;
      case OwnAddress6::Action::Use:
        use(a, now);
        break;
      case OwnAddress6::Action::Expire:
        forget(i);
        break;
      case OwnAddress6::Action::None:
        ++i;
        break;
    }
  }
  for (uint16_t port = 0; port < ports_.size() && !out.full(); ++port) {
    Advertiser& a = advertisers_[port];
    if (a.deadline() <= now) {
      push(advertisement(port, false), out);
      a.sent(now, rng_);
    }
    Slaac& s = slaac_[port];
    if (s.deadline() > now || out.full()) continue;
    if (s.ask(now, options_)) {
      const Ip6Addr from = sender_for(port, link_local_prefix);
      count_.add(Counter::nd_router_solicitations_out);
      push(message(port, from, Ip6Addr::all_routers(), wire::RouterSolicitation::len + 8, false,
                   [&](uint8_t* p) {
                     store_be<uint64_t>(
                         p, uint64_t{static_cast<uint8_t>(wire::Icmp6Type::RouterSolicitation)} << 56);
                     wire::RouterAdvertisement::emit_source(p + wire::RouterSolicitation::len,
                                                            ports_[port].caps.mac);
                   }),
           out);
    }
    Slaac::Fact gone;
    while (Slaac::expired(s.routers, now, gone)) tell(Kind::NoRouter, port, gone.addr, gone.length);
    while (Slaac::expired(s.networks, now, gone)) tell(Kind::NotOnLink, port, gone.addr, gone.length);
  }
  mld_.expire(now, rng_, [&](uint16_t port, std::span<const Ip6Addr> groups, bool change) {
    if (out.full()) return;
    const Ip6Addr from = sender_for(port, link_local_prefix);  // may be unspecified: RFC 3810 §5.2.13
    count_.add(Counter::mld_reports_out);
    using Report = wire::Mld2Report;
    const auto record = change ? Report::Record::ToExclude : Report::Record::IsExclude;
    const auto some = groups.first(std::min<size_t>(groups.size(), 60));  // what 1280 octets hold
    push(message(port, from.is_link_local() ? from : Ip6Addr{}, Ip6Addr::all_mld2_routers(),
                 Report::size(some.size()), true, [&](uint8_t* p) { Report::emit(p, record, some); }),
         out);
  });
  if (now >= retell_at_) {
    if (retell_at_ != Instant{}) retell();
    retell_at_ = now + retell_interval;
  }
}

Instant Nd::deadline() const {
  if (!writer_) return Instant::never();
  Instant first = mld_.deadline();
  for (const OwnAddress6& a : own_) first = std::min(first, a.deadline());
  for (const Advertiser& a : advertisers_) first = std::min(first, a.deadline());
  for (const Slaac& s : slaac_) first = std::min(first, s.deadline());
  // Without IPv6 there is nothing to repeat.
  return own_.empty() ? first : std::min(first, retell_at_);
}

void Nd::farewell(Instant now, buf::Egresses& out) {
  for (uint16_t port = 0; port < ports_.size() && !out.full(); ++port)
    if (advertises(port)) {
      push(advertisement(port, true), out);
      advertisers_[port].sent(now, rng_);
    }
}

// -- workers

void Nd::tell(Kind kind, uint16_t port, const Ip6Addr& addr, uint8_t length) {
  if (told_.full()) return count_.add(Counter::nd_changes_lost);
  told_.push(AddressChange{kind, length, port, addr});
}

void Nd::retell() {
  for (const OwnAddress6& a : own_)
    if (a.usable()) tell(Kind::Use, a.port(), a.addr(), a.length());
  for (uint16_t port = 0; port < ports_.size(); ++port) {
    for (const Slaac::Fact& f : slaac_[port].networks) tell(Kind::OnLink, port, f.addr, f.length);
    for (const Slaac::Fact& f : slaac_[port].routers) tell(Kind::Router, port, f.addr, f.length);
  }
}

void Nd::take_changes(AddressChanges& out) {
  out = told_;
  told_.clear();
}

void Nd::follow(const AddressChange& c, Instant now) {
  if (writer_ || c.port >= ports_.size()) return;
  OwnAddress6* a = own(c.port, c.addr);
  if (c.kind == Kind::Use && a == nullptr) add_address(c.addr, c.length, c.port, now);
  if (c.kind == Kind::Drop && a != nullptr) {
    mld_.leave(c.port, c.addr.solicited_node());
    own_.erase(own_.begin() + (a - own_.data()));
  }
  if (!told_.full()) told_.push(c);
}

}  // namespace sluice::link
