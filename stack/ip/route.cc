// SPDX-License-Identifier: Apache-2.0
#include "ip/route.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"
#include "buf/packet.h"

namespace sluice::ip {
namespace {

constexpr unsigned steps_most = 64;  // routes looked at on the way to a gateway that needs routes
static_assert(RouteTrie<Ip4Addr>::burst == buf::burst_size);

constexpr unsigned bits_of(const IpAddr& a) { return a.is_v4() ? 32 : 128; }

}  // namespace

Routes::Routes(std::span<const buf::Interface> ports, const Options& options)
    : options_{options},
      ports_{ports.begin(), ports.end()},
      up_(ports.size(), true),
      hops_(size_t{options.next_hops} + 1),
      held_(1) {
  held_[0].hop = std::make_unique<const NextHop>();
  hops_[0] = held_[0].hop.get();
}

Routes::~Routes() = default;

void Routes::readers_from_now_on(Grace* grace) {
  grace_ = grace;
  four_.trie.readers_from_now_on(grace);
  six_.trie.readers_from_now_on(grace);
}

// Calls f(table, address) for the address's family.
template <class F>
auto Routes::in_table(const IpAddr& a, F&& f) {
  return a.is_v4() ? f(four_, a.v4()) : f(six_, a.v6());
}

// ---- what is built at once

std::shared_ptr<Routes> Routes::build(std::span<const buf::Interface> ports, std::span<const Route> statics,
                                      const Options& options, std::string& error) {
  std::shared_ptr<Routes> r{new Routes{ports, options}};
  Wanted wanted;
  error = r->want(statics, wanted);
  if (error.empty()) error = r->fill(r->four_, wanted);
  if (error.empty()) error = r->fill(r->six_, wanted);
  if (error.empty()) error = r->dead_end(wanted);
  if (error.empty()) r->resolve_all();
  if (error.empty()) error = r->install_all();
  return error.empty() ? r : nullptr;
}

template <class Addr>
std::string Routes::fill(Table<Addr>& t, Wanted& wanted) {
  auto& list = wanted.list(Addr{});
  t.list.reserve(list.size());
  bool room = true;
  list.for_each([&](const auto& i) {
    const uint32_t value = take(*wanted.ways[i.value]);
    room = room && value != 0;
    if (value != 0) t.list.insert(i.prefix, i.length, value);
  });
  return room ? std::string{} : "more different next hops than the option next_hops allows";
}

void Routes::resolve_all() {
  for (uint32_t v = 1; v < held_.size(); ++v)
    if (held_[v].way != nullptr) resolve(v);
}

// What is wrong with a way that leads nowhere though all links may be up. One that waits for its link does
// not.
template <class Lists>
std::string Routes::dead_end(const Lists& lists, const Way& way) const {
  const auto leads = [&](const Gateway& g) {
    unsigned steps = steps_most;
    NextHop any;
    return resolve(lists, g, true, steps, any);
  };
  if (way.kind != RouteKind::Forward || std::ranges::any_of(way.gateways, leads)) return {};
  return "the gateway " + to_text(way.gateways[0].via) +
         " is not on a connected network, nor behind a route that is";
}

std::string Routes::dead_end(const Wanted& wanted) const {
  std::string wrong;
  for (size_t i = 0; i < wanted.ways.size() && wrong.empty(); ++i) wrong = dead_end(wanted, *wanted.ways[i]);
  return wrong;
}

std::string Routes::install_all() {
  bool room = true;
  const auto install = [&](auto& table) {
    table.list.for_each([&](const auto& i) { room = room && show(table, i.prefix, i.length, i.value); });
  };
  install(four_);
  install(six_);
  return room ? std::string{} : "no memory for the route table; give more memory.megabytes";
}

// ---- all of it replaced

std::string Routes::become(std::span<const buf::Interface> ports, std::span<const Route> statics) {
  std::string wrong = prepare(ports, statics);
  if (wrong.empty()) commit();
  return wrong;
}

std::string Routes::prepare(std::span<const buf::Interface> ports, std::span<const Route> statics) {
  prepared_ = std::make_unique<Prepared>();
  Prepared& p = *prepared_;
  p.were.assign(ports.begin(), ports.end());
  p.were.swap(ports_);
  up_.resize(std::max(up_.size(), ports_.size()), true);
  std::string wrong = want(statics, p.wanted);
  if (wrong.empty()) wrong = dead_end(p.wanted);
  if (wrong.empty()) wrong = take_all(p);
  if (!wrong.empty()) cancel();
  return wrong;
}

// All that the change needs; from there on nothing can fail.
std::string Routes::take_all(Prepared& p) {
  for (const Way* way : p.wanted.ways)
    if (const uint32_t v = take(*way); v != 0) p.values.push_back(v);
  if (p.values.size() < p.wanted.ways.size())
    return "more different next hops at once than the option next_hops allows";
  p.four = changes(four_, p.wanted, p.values);
  p.six = changes(six_, p.wanted, p.values);
  if (!reserve(four_, p.four) || !reserve(six_, p.six))
    return "no memory for the new routes beside the old ones; give more memory.megabytes";
  return {};
}

void Routes::commit() {
  const std::unique_ptr<Prepared> p = std::move(prepared_);
  std::vector<bool> flipped = resolve_ahead(p->wanted, p->values, p->four, p->six);
  apply(four_, p->four);
  apply(six_, p->six);
  resolve_ways(flipped);
  for (const uint32_t v : p->values) drop(v);
}

void Routes::cancel() {
  const std::unique_ptr<Prepared> p = std::move(prepared_);
  ports_.swap(p->were);
  for (const uint32_t v : p->values) drop(v);
}

template <class Addr>
Routes::Changes<Addr> Routes::changes(Table<Addr>& t, Wanted& wanted, std::span<const uint32_t> values) {
  Changes<Addr> c;
  auto& list = wanted.list(Addr{});
  list.for_each([&](const auto& i) {
    const uint32_t value = values[i.value];
    const auto* there = t.list.find(i.prefix, i.length);
    if (there == nullptr || there->value != value) c.coming.push_back({i.prefix, i.length, true, value});
  });
  t.list.for_each([&](const auto& i) {
    if (list.find(i.prefix, i.length) == nullptr) c.going.push_back({i.prefix, i.length, true, 0});
  });
  return c;
}

template <class Addr>
bool Routes::reserve(Table<Addr>& t, const Changes<Addr>& c) {
  return t.trie.reserve(c.coming);
}

// The wanted ways lead where they will when all has changed, so that no route waits for that of its gateway.
// Says which came alive; those that die do so last, when others can serve instead.
std::vector<bool> Routes::resolve_ahead(const Wanted& wanted, std::span<const uint32_t> values,
                                        const Changes<Ip4Addr>& four, const Changes<Ip6Addr>& six) {
  std::vector<const Spread*> before(held_.size());
  const auto note = [&](auto& table, const auto& c) {
    for (const auto& i : c.coming)
      if (const auto* there = table.list.find(i.prefix, i.length))
        if (before[i.value] == nullptr) before[i.value] = held_[there->value].spread.get();
  };
  note(four_, four);
  note(six_, six);
  std::vector<bool> flipped(held_.size()), fresh(held_.size());
  for (const uint32_t v : values) {
    fresh[v] = held_[v].hop == nullptr;
    if (fresh[v]) settle(v, hops_of(wanted, v), before[v]);
  }
  for (const uint32_t v : values) {
    if (fresh[v]) continue;
    auto hops = hops_of(wanted, v);
    if (hops.empty()) continue;
    flipped[v] = !held_[v].alive;
    settle(v, std::move(hops));
  }
  return flipped;
}

// What comes, the longest first, and then what goes or is dead, the shortest first: meanwhile a destination
// finds the way it had or the one it gets, never one between them.
template <class Addr>
void Routes::apply(Table<Addr>& t, Changes<Addr>& c) {
  std::ranges::sort(c.coming, std::ranges::greater{}, &RouteList<Addr>::Item::length);
  const auto enlist = [&](const auto& i) {
    ++held_[i.value].users;
    if (auto* there = t.list.find(i.prefix, i.length)) return std::exchange(there->value, i.value);
    t.list.insert(i.prefix, i.length, i.value);
    return uint32_t{0};
  };
  for (const auto& i : c.coming) {
    if (!held_[i.value].alive) {
      c.going.push_back(i);
      continue;
    }
    (void)show(t, i.prefix, i.length, i.value);  // there is memory
    if (const uint32_t was = enlist(i); was != 0) drop(was);
  }
  std::ranges::sort(c.going, {}, &RouteList<Addr>::Item::length);
  for (const auto& i : c.going) {
    uint32_t was = 0;
    if (i.value == 0) {
      was = t.list.find(i.prefix, i.length)->value;
      t.list.erase(i.prefix, i.length);
    } else {
      held_[i.value].whole = false;
      was = enlist(i);
    }
    if (was == 0) continue;
    hide(t, i.prefix, i.length);
    drop(was);
  }
}

// ---- ways and what they come to

// Its number, one user more; 0: there is no room for another.
uint32_t Routes::take(const Way& way) {
  const auto [at, fresh] = values_.try_emplace(way, 0);
  if (fresh) {
    reclaim();
    if (!free_values_.empty()) {
      at->second = free_values_.back();
      free_values_.pop_back();
    } else if (held_.size() < hops_.size()) {
      at->second = static_cast<uint32_t>(held_.size());
      held_.emplace_back();
    } else {
      values_.erase(at);
      return 0;
    }
    held_[at->second].way = &at->first;
    hops_[at->second].store(held_[0].hop.get(), std::memory_order_release);
  }
  ++held_[at->second].users;
  return at->second;
}

void Routes::drop(uint32_t value) {
  Held& h = held_[value];
  if (--h.users != 0) return;
  for (const Gateway& g : h.way->gateways) through_.erase({g.via, value});
  values_.erase(*h.way);
  if (grace_ == nullptr)
    free_values_.push_back(value);
  else
    retired_.push_back({grace_->start(), value, std::move(h.hop), std::move(h.spread)});
  h = Held{};
}

void Routes::reclaim() {
  while (!retired_.empty() && grace_->passed(retired_.front().token)) {
    if (retired_.front().value != 0) free_values_.push_back(retired_.front().value);
    retired_.pop_front();
  }
}

// The port and the neighbour by which a gateway is reached; false: it is not, or the link is dead.
template <class Lists>
bool Routes::resolve(const Lists& lists, const Gateway& g, bool any_link, unsigned& steps,
                     NextHop& out) const {
  if (g.by_port()) {
    out.port = g.port;
    out.gateway = g.via;
    return any_link || up_[g.port];
  }
  if (steps == 0) return false;
  --steps;
  // A network that we are on is not reached by another way when its link is dead.
  const auto through = [&](const auto& a) {
    const auto* at = lists.list(a).cover(a, bits_of(g.via) + 1, [](const auto&) { return true; });
    if (at == nullptr) return false;
    const Way& way = lists.way(at->value);
    if (way.kind != RouteKind::Forward) return false;
    for (const Gateway& next : way.gateways) {
      if (!resolve(lists, next, any_link, steps, out)) continue;
      if (next.via.is_none()) out.gateway = g.via;
      return true;
    }
    return false;
  };
  return g.via.is_v4() ? through(g.via.v4()) : through(g.via.v6());
}

// Makes the next hop of a way anew, and says whether it is another. `before`: how flows were spread by the
// way that a new one follows.
bool Routes::resolve(uint32_t value, const Spread* before) {
  return settle(value, hops_of(AsItIs{*this}, value), before);
}

// All that a way comes to; empty: it leads nowhere now.
template <class Lists>
std::vector<NextHop> Routes::hops_of(const Lists& lists, uint32_t value) {
  Held& held = held_[value];
  const Way& way = *held.way;
  std::vector<NextHop> hops;
  held.indirect = false;
  for (const Gateway& g : way.gateways) {
    NextHop hop{.kind = way.kind, .source = way.source, .transport = way.transport};
    if (!g.via.is_none()) through_.insert({g.via, value});
    unsigned steps = steps_most;
    if (resolve(lists, g, false, steps, hop)) hops.push_back(hop);
    held.indirect |= steps_most - steps > 1;
  }
  if (way.kind != RouteKind::Forward)
    hops.push_back({.kind = way.kind, .port = way.port, .source = way.source});
  return hops;
}

bool Routes::settle(uint32_t value, std::vector<NextHop> hops, const Spread* before) {
  Held& held = held_[value];
  held.alive = !hops.empty();
  if (hops.empty()) hops.emplace_back();  // "no route"
  if (held.hop != nullptr &&
      std::ranges::equal(hops, held.spread ? std::span{held.spread->ways} : std::span{held.hop.get(), 1}))
    return false;
  auto hop = std::make_unique<NextHop>(hops[0]);
  std::unique_ptr<const Spread> spread;
  if (hops.size() > 1) {
    spread = std::make_unique<const Spread>(std::move(hops), held.spread ? held.spread.get() : before);
    hop->spread = spread.get();
  }
  publish(value, std::move(hop), std::move(spread));
  return true;
}

void Routes::publish(uint32_t value, std::unique_ptr<const NextHop> hop,
                     std::unique_ptr<const Spread> spread) {
  Held& held = held_[value];
  hops_[value].store(hop.get(), std::memory_order_release);
  held.hop.swap(hop);
  held.spread.swap(spread);
  reclaim();
  if (grace_ != nullptr && hop != nullptr)
    retired_.push_back({grace_->start(), 0, std::move(hop), std::move(spread)});
}

// ---- the tables

template <class Addr>
bool Routes::show(Table<Addr>& t, const Addr& prefix, unsigned length, uint32_t value) {
  const auto gives_way = [this](uint32_t other) {
    if (held_[other].alive) return false;
    held_[other].whole = false;
    return true;
  };
  const bool shown = held_[value].alive && t.trie.set(prefix, length, value, gives_way);
  held_[value].whole &= shown;
  return shown || !held_[value].alive;
}

template <class Addr>
void Routes::hide(Table<Addr>& t, const Addr& prefix, unsigned length) {
  const auto* cover = alive_cover(t, prefix, length, typename RouteList<Addr>::Lengths{}.set());
  // A dead one gets back what is its own, so that it is whole when it revives.
  if (cover == nullptr) cover = t.list.cover(prefix, length, [](const auto&) { return true; });
  t.trie.clear(prefix, length, cover == nullptr ? 0 : cover->length, cover == nullptr ? 0 : cover->value);
}

template <class Addr>
const RouteList<Addr>::Item* Routes::alive_cover(const Table<Addr>& t, const Addr& prefix, unsigned length,
                                                 const RouteList<Addr>::Lengths& among) const {
  return t.list.cover(prefix, length, [this](const auto& i) { return held_[i.value].alive; }, among);
}

std::string Routes::set(const Route& r) {
  if (auto wrong = unfit(r); !wrong.empty()) return wrong;
  return in_table(r.to.addr, [&](auto& table, const auto& a) { return set_in(table, a, r); });
}

template <class Addr>
std::string Routes::set_in(Table<Addr>& t, const Addr& a, const Route& r) {
  const std::string route = "route to " + to_text(r.to) + ": ";
  const Addr net = network(a, r.to.length);
  const auto* there = t.list.find(net, r.to.length);
  if (there != nullptr && held_[there->value].way->connected)
    return route + "there is a connected one, which stays";
  if (there == nullptr && size() == options_.routes) return "more routes than the option routes allows";
  const uint32_t value = take(way_of(r));
  if (value == 0) return "more different next hops than the option next_hops allows";
  const Spread* const before = there != nullptr ? held_[there->value].spread.get() : nullptr;
  if (held_[value].hop == nullptr) resolve(value, before);
  if (const std::string wrong = dead_end(AsItIs{*this}, *held_[value].way); !wrong.empty()) {
    drop(value);
    return route + wrong;
  }
  return put(t, net, r.to.length, value);
}

// Takes over the caller's use of `value`.
template <class Addr>
std::string Routes::put(Table<Addr>& t, const Addr& net, unsigned length, uint32_t value) {
  const Prefix prefix{IpAddr{net}, static_cast<uint8_t>(length)};
  if (!show(t, net, length, value)) {
    drop(value);
    return "route to " + to_text(prefix) + ": no memory for it; give more memory.megabytes";
  }
  if (auto* there = t.list.find(net, length); there == nullptr) {
    t.list.insert(net, length, value);
  } else {
    const uint32_t was = there->value;
    there->value = value;
    if (!held_[value].alive) hide(t, net, length);
    drop(was);
  }
  resolve_again(prefix);
  return {};
}

std::string Routes::remove(const Prefix& p) {
  return in_table(p.addr, [&](auto& table, const auto& a) { return remove_from(table, a, p); });
}

template <class Addr>
std::string Routes::remove_from(Table<Addr>& t, const Addr& a, const Prefix& p) {
  const Addr net = network(a, p.length);
  const auto* there = t.list.find(net, p.length);
  if (there == nullptr) return "there is no route to " + to_text(p);
  if (held_[there->value].way->connected)
    return "the route to " + to_text(p) + " came with an address of ours";
  take_out(t, net, p.length, there->value);
  return {};
}

template <class Addr>
void Routes::take_out(Table<Addr>& t, const Addr& net, unsigned length, uint32_t value) {
  t.list.erase(net, length);
  hide(t, net, length);
  drop(value);
  resolve_again({IpAddr{net}, static_cast<uint8_t>(length)});
}

// Ways whose gateway lies in a prefix that has changed may lead elsewhere now; then also those whose gateways
// are reached through them.
void Routes::resolve_again(const Prefix& changed) {
  const Prefix p{
      in_table(changed.addr, [&](auto&, const auto& a) { return IpAddr{network(a, changed.length)}; }),
      changed.length};
  std::vector<bool> flipped;
  bool moved = false;
  const auto again = [&](uint32_t value) {
    const bool was = held_[value].alive;
    moved |= resolve(value);
    if (held_[value].alive == was) return;
    flipped.resize(held_.size());
    flipped[value] = true;
  };
  for (auto at = through_.lower_bound({p.addr, 0}); at != through_.end() && p.contains(at->first); ++at)
    again(at->second);
  for (uint32_t v = 1; moved && v < held_.size(); ++v)
    if (held_[v].indirect) again(v);
  if (!flipped.empty()) reinstall(flipped);
}

void Routes::link_state(uint16_t port, bool up) {
  if (port >= up_.size() || up_[port] == up) return;
  up_[port] = up;
  std::vector<bool> flipped;
  resolve_ways(flipped);
}

// `flipped`: ways that came alive or died before.
void Routes::resolve_ways(std::vector<bool>& flipped) {
  flipped.resize(held_.size());
  for (uint32_t v = 1; v < held_.size(); ++v) {
    if (held_[v].way == nullptr) continue;
    const bool was = held_[v].alive;
    resolve(v);
    if (held_[v].alive != was) flipped[v] = true;
  }
  reinstall(flipped);
}

// After ways came alive or died, each with its next hop published. Routes of a dead way stay in the trie, and
// say "no route", where no less specific route could serve instead; so they are all there when it revives.
void Routes::reinstall(const std::vector<bool>& flipped) {
  const auto is_flipped = [&](uint32_t v) { return v < flipped.size() && flipped[v]; };
  const bool any_dead = std::ranges::any_of(held_, [](const Held& h) { return h.way && !h.alive; });
  std::vector<bool> to_show(held_.size()), to_hide(held_.size());
  for (uint32_t v = 1; v < held_.size(); ++v) {
    to_hide[v] = is_flipped(v) && !held_[v].alive;
    // Dead ones below them give way; and what found no memory may find it now.
    to_show[v] = held_[v].alive && (!held_[v].whole || (is_flipped(v) && any_dead));
    held_[v].whole |= to_show[v];
  }
  const auto each_of = [](auto& table, const std::vector<bool>& which, auto&& f) {
    if (std::ranges::find(which, true) == which.end()) return;
    table.list.for_each([&](const auto& i) {
      if (which[i.value]) f(i);
    });
  };
  const auto all_of = [&](auto& table) {
    // Its groups may be gone to others: then it is tried again when the next way comes or dies.
    each_of(table, to_show, [&](const auto& i) { (void)show(table, i.prefix, i.length, i.value); });
    typename std::remove_reference_t<decltype(table.list)>::Lengths alive;
    table.list.for_each([&](const auto& i) { alive[i.length] = alive[i.length] || held_[i.value].alive; });
    each_of(table, to_hide, [&](const auto& i) {
      if (alive_cover(table, i.prefix, i.length, alive) == nullptr) return;
      hide(table, i.prefix, i.length);
      held_[i.value].whole = false;
    });
  };
  all_of(four_);
  all_of(six_);
}

}  // namespace sluice::ip
