// SPDX-License-Identifier: Apache-2.0
// The routes of both families: which way a destination is reached. The control thread changes them while all
// workers look into them; each lookup finds what was right before a change or what is right after it, and no
// worker ever waits. Knows no packet.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/grace.h"
#include "buf/interface.h"
#include "ip/options.h"
#include "ip/route_list.h"
#include "ip/route_trie.h"

namespace sluice::ip {

enum class RouteKind : uint8_t {
  Forward,
  Local,        // one of our addresses
  Broadcast,    // of a network we are connected to
  Blackhole,    // dropped silently
  Unreachable,  // answered with "host unreachable"
  Prohibited,   // answered with "administratively prohibited"
  None,         // no route at all
};

// A way on: by the gateway `via`, which need not be a neighbour if another route leads to it; or, without
// one, by `port`, on whose link the destinations are.
struct Gateway {
  IpAddr via;
  uint16_t port = 0;  // index; matters only without `via`, or with a link-local one

  // A neighbour by definition, or none at all: no route leads to it, only the port.
  bool by_port() const { return via.is_none() || (!via.is_v4() && via.v6().is_link_local()); }
  friend auto operator<=>(const Gateway&, const Gateway&) = default;
};

// A static route. Kinds other than Forward have no way on.
struct Route {
  Prefix to;
  IpAddr via;
  RouteKind kind = RouteKind::Forward;
  uint16_t port = 0;
  std::vector<Gateway> more = {};  // ways as good as the first; flows are spread over all of them
  IpAddr source = {};              // what our own packets on this route carry; none: what the port has
  uint16_t transport = 0;          // what it says to transports; nothing to us
};

struct Spread;

// What a lookup finds.
struct NextHop {
  RouteKind kind = RouteKind::None;
  uint16_t port = 0;
  IpAddr gateway;                  // none: the destination is itself a neighbour
  IpAddr source = {};              // none: ask the port
  uint16_t transport = 0;          // what the route says to transports
  const Spread* spread = nullptr;  // several ways: port and gateway are those of the first

  // The way that a flow takes: itself when there is but one.
  const NextHop& of_flow(uint32_t flow_hash) const;
  friend bool operator==(const NextHop&, const NextHop&) = default;
};

// Which flow takes which of several ways. Resilient: when a way is lost, only its flows move, and when one
// comes, it takes no more than its share from the others.
struct Spread {
  static constexpr size_t ways_most = 64;
  static constexpr size_t buckets = 1024;  // 16 of each of 64 ways

  std::vector<NextHop> ways;
  std::array<uint8_t, buckets> way_of{};

  // `was`: the spread that this one follows; null: none.
  Spread(std::vector<NextHop> ways, const Spread* was);
};

inline const NextHop& NextHop::of_flow(uint32_t flow_hash) const {
  return spread == nullptr ? *this : spread->ways[spread->way_of[flow_hash % Spread::buckets]];
}

class Routes {
 public:
  // Connected routes come from the interfaces, `statics` are added to them. Null, and `error` says why in a
  // user's words, when a route contradicts another or leads nowhere, or memory is short. Control thread only,
  // like everything up to the lookups. Options outlive the routes.
  static std::shared_ptr<Routes> build(std::span<const buf::Interface>, std::span<const Route> statics,
                                       const Options&, std::string& error);
  ~Routes();
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  // From here on workers read: what is taken out is used again only after a grace period. Outlives the
  // routes.
  void readers_from_now_on(Grace* grace);
  // Adds a route, or puts it in the place of the static one to the same prefix. Empty, or what is wrong, and
  // then nothing has changed.
  std::string set(const Route&);
  std::string remove(const Prefix&);
  // Other interfaces (their numbers mean what they meant, more may follow) and other static routes: what is
  // the same stays untouched, each prefix that is not changes by itself, and what leads somewhere before and
  // after leads somewhere meanwhile. Empty, or what is wrong, and then all is as it was.
  std::string become(std::span<const buf::Interface>, std::span<const Route> statics);
  // become() in two steps, for several tables that change together or not at all: once prepare() says nothing
  // is wrong, commit() cannot fail; or cancel() leaves all as it was. Nothing else is called between them.
  std::string prepare(std::span<const buf::Interface>, std::span<const Route> statics);
  void commit();
  void cancel();
  // A route whose ways all go over dead links is as if it were not there, and less specific ones count. Links
  // that die and come back cost a step for each next hop, and one for each route only where a less specific
  // one is alive: a million routes are back with the first packet.
  void link_state(uint16_t port, bool up);

  const NextHop& lookup(Ip4Addr a) const { return hop(four_.trie.lookup(a)); }
  const NextHop& lookup(const Ip6Addr& a) const { return hop(six_.trie.lookup(a)); }
  // For each of the n destinations (at most burst_size) the next hop, which lives until the end of the burst.
  void lookup(const Ip4Addr* destinations, const NextHop** out, size_t n) const {
    lookup(four_, destinations, out, n);
  }
  void lookup(const Ip6Addr* destinations, const NextHop** out, size_t n) const {
    lookup(six_, destinations, out, n);
  }
  size_t size() const { return four_.list.size() + six_.list.size(); }
  size_t octets() const { return four_.trie.octets() + six_.trie.octets(); }

 private:
  template <class Addr>
  struct Table {
    static constexpr uint32_t groups_most = 1u << 22, buckets_most = 1u << 24;
    RouteList<Addr> list;
    RouteTrie<Addr> trie{groups_most, buckets_most};
  };
  // What routes say besides their destination. Each is kept once; its number is what lists and tries hold.
  struct Way {
    RouteKind kind = RouteKind::None;
    uint16_t port = 0;       // Local, Broadcast
    bool connected = false;  // came with an address of ours
    std::vector<Gateway> gateways;
    IpAddr source;
    uint16_t transport = 0;
    friend auto operator<=>(const Way&, const Way&) = default;
  };
  struct Held {
    const Way* way = nullptr;
    size_t users = 0;
    bool alive = false;
    bool indirect = false;  // a gateway of it is reached through other static routes
    bool whole = true;      // the trie holds all of its routes; false: some gave way to less specific ones
    std::unique_ptr<const NextHop> hop;
    std::unique_ptr<const Spread> spread;
  };

  // Where gateways are looked up: the prefixes of both families, and what their values stand for.
  struct AsItIs {
    const Routes& r;
    const RouteList<Ip4Addr>& list(const Ip4Addr&) const { return r.four_.list; }
    const RouteList<Ip6Addr>& list(const Ip6Addr&) const { return r.six_.list; }
    const Way& way(uint32_t value) const { return *r.held_[value].way; }
  };
  // All prefixes that a table is to have, and where they lead; the lists' values are places in `ways`.
  struct Wanted {
    RouteList<Ip4Addr> four;
    RouteList<Ip6Addr> six;
    std::map<Way, uint32_t> numbers;
    std::vector<const Way*> ways;
    uint32_t number(const Way&);
    RouteList<Ip4Addr>& list(const Ip4Addr&) { return four; }
    RouteList<Ip6Addr>& list(const Ip6Addr&) { return six; }
    const RouteList<Ip4Addr>& list(const Ip4Addr&) const { return four; }
    const RouteList<Ip6Addr>& list(const Ip6Addr&) const { return six; }
    const Way& way(uint32_t value) const { return *ways[value]; }
  };

  Routes(std::span<const buf::Interface>, const Options&);
  std::string want(std::span<const Route> statics, Wanted&) const;
  std::string want_connected(Wanted&) const;
  std::string want_static(const Route&, Wanted&) const;
  template <class Addr>
  std::string fill(Table<Addr>&, Wanted&);
  // What a table is to become differs in.
  template <class Addr>
  struct Changes {
    std::vector<typename RouteList<Addr>::Item> coming, going;  // going: value 0
  };
  // A change whose memory is taken, before the first route moves.
  struct Prepared {
    std::vector<buf::Interface> were;  // the ports
    Wanted wanted;
    std::vector<uint32_t> values;  // of the wanted ways, which none loses while routes go from one to another
    Changes<Ip4Addr> four;
    Changes<Ip6Addr> six;
  };
  std::string take_all(Prepared&);
  template <class Addr>
  Changes<Addr> changes(Table<Addr>&, Wanted&, std::span<const uint32_t> values);
  template <class Addr>
  bool reserve(Table<Addr>&, const Changes<Addr>&);
  std::vector<bool> resolve_ahead(const Wanted&, std::span<const uint32_t> values, const Changes<Ip4Addr>&,
                                  const Changes<Ip6Addr>&);
  template <class Addr>
  void apply(Table<Addr>&, Changes<Addr>&);
  void resolve_all();
  std::string dead_end(const Wanted&) const;
  std::string install_all();

  template <class F>
  auto in_table(const IpAddr& a, F&& f);
  static Way way_of(const Route&);
  uint32_t take(const Way&);
  void drop(uint32_t value);
  std::string unfit(const Route&) const;

  // With `any_link` as if all links were up.
  template <class Lists>
  bool resolve(const Lists&, const Gateway&, bool any_link, unsigned& steps, NextHop& out) const;
  template <class Lists>
  std::string dead_end(const Lists&, const Way&) const;
  bool resolve(uint32_t value, const Spread* before = nullptr);
  template <class Lists>
  std::vector<NextHop> hops_of(const Lists&, uint32_t value);
  bool settle(uint32_t value, std::vector<NextHop>, const Spread* before = nullptr);
  void resolve_ways(std::vector<bool>& flipped);
  void resolve_again(const Prefix& changed);
  void publish(uint32_t value, std::unique_ptr<const NextHop>, std::unique_ptr<const Spread>);
  void reinstall(const std::vector<bool>& flipped);
  template <class Addr>
  bool show(Table<Addr>&, const Addr&, unsigned length, uint32_t value);
  template <class Addr>
  void hide(Table<Addr>&, const Addr&, unsigned length);
  template <class Addr>
  const RouteList<Addr>::Item* alive_cover(const Table<Addr>&, const Addr&, unsigned length,
                                           const RouteList<Addr>::Lengths&) const;
  template <class Addr>
  std::string set_in(Table<Addr>&, const Addr&, const Route&);
  template <class Addr>
  std::string remove_from(Table<Addr>&, const Addr&, const Prefix&);
  template <class Addr>
  std::string put(Table<Addr>&, const Addr& net, unsigned length, uint32_t value);
  template <class Addr>
  void take_out(Table<Addr>&, const Addr& net, unsigned length, uint32_t value);
  void reclaim();

  const NextHop& hop(uint32_t value) const { return *hops_[value].load(std::memory_order_acquire); }
  template <class Addr>
  void lookup(const Table<Addr>& t, const Addr* destinations, const NextHop** out, size_t n) const {
    uint32_t values[RouteTrie<Addr>::burst];
    t.trie.lookup(destinations, values, n);
    for (size_t i = 0; i < n; ++i) out[i] = &hop(values[i]);
  }

  const Options& options_;
  std::vector<buf::Interface> ports_;
  std::vector<bool> up_;  // [port]
  Table<Ip4Addr> four_;
  Table<Ip6Addr> six_;
  // [value]; 0 is "no route", and so says each whose ways are dead. The trie holds one of those only where
  // nothing shorter is alive. Never moves: readers look into it.
  std::vector<std::atomic<const NextHop*>> hops_;
  std::map<Way, uint32_t> values_;
  std::vector<Held> held_;  // [value]
  std::vector<uint32_t> free_values_;
  std::set<std::pair<IpAddr, uint32_t>> through_;  // gateways behind other routes, and whose they are

  struct Retired {
    uint64_t token;
    uint32_t value;  // to be given out again; 0: none
    std::unique_ptr<const NextHop> hop;
    std::unique_ptr<const Spread> spread;
  };
  std::deque<Retired> retired_;
  Grace* grace_ = nullptr;
  std::unique_ptr<Prepared> prepared_;
};

}  // namespace sluice::ip
