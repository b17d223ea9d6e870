// SPDX-License-Identifier: Apache-2.0
#include "dns/answer.h"

#include <algorithm>
#include <array>
#include <new>
#include <type_traits>

#include "base/static_vec.h"
#include "dns/edns.h"
#include "dns/message.h"
#include "dns/query.h"
#include "dns/response.h"

namespace sluice::dns {
namespace {

// An answer's sets begin after at most a question and a full chain of CNAMEs, so that what Zone lets an RRset
// point to inside itself is always within reach of a pointer.
static_assert(header_len + max_name_len + 4 + cname_chain_cap * (12 + max_name_len) < pointer_reach / 2);

// The name being looked for: the question's, or a CNAME's target further down.
struct Sought {
  Found found;
  size_t at;        // where its wire form begins in the message
  size_t name_len;  // octets, uncompressed
};

class Walk {
 public:
  Walk(const Zone& zone, const Query& query, const Options& options, Response& out, Counters& count)
      : zone_{zone}, query_{query}, options_{options}, out_{out}, count_{count} {}

  // RFC 1034 §4.3.2 step 3, in its order; 3a's "change QNAME ... and go back" is the loop.
  Rcode run() {
    Sought s{zone_.find(query_.name), header_len, query_.name.len()};
    for (;;) {
      if (s.found.cut != 0 && !is_parents(s)) return refer(s);  // 3b
      out_.aa = true;
      if (s.found.node == 0) return deny(Rcode::NxDomain);                // 3c, no "*" either
      if (const RRsetHead* h = wanted(s.found.node)) return give(s, *h);  // 3a
      const RRsetHead* cname = zone_.rrset(s.found.node, Type::Cname);
      if (cname == nullptr) return deny(Rcode::NoError);  // RFC 2308 §2.2
      if (!follow(s, *cname)) return Rcode::NoError;
    }
  }

 private:
  // DS at a cut is the parent's data: we are asked for what we are authoritative for (RFC 4035 §3.1.4.1).
  bool is_parents(const Sought& s) const { return query_.type == Type::Ds && s.found.node == s.found.cut; }

  // RFC 8482 §4.1: ANY gets one RRset, not all.
  const RRsetHead* wanted(NodeAt node) const {
    return query_.type == Type::Any ? zone_.first_rrset(node) : zone_.rrset(node, query_.type);
  }

  Rcode give(const Sought& s, const RRsetHead& h) {
    const RRset set = zone_.open(s.found.node, h);
    const size_t began = out_.at();
    if (!out_.put(set, s.at, Section::Answer))
      out_.tc = true;
    else if (set.type != Type::Cname)
      add_addresses(set, began);
    return Rcode::NoError;
  }

  // Gives the CNAME and turns to its target. False when the answer ends here.
  bool follow(Sought& s, const RRsetHead& h) {
    if (visited_.size() == options_.cname_chain_max) {
      count_.add(Counter::dns_chain_limit);
      return false;
    }
    const RRset set = zone_.open(s.found.node, h);
    const size_t began = out_.at();
    if (!out_.put(set, s.at, Section::Answer)) {
      out_.tc = true;
      return false;
    }
    visited_.push(s.found.node);
    const Target& t = set.targets[0];
    if (!t.in_zone) return false;  // the asker goes on by itself
    if (t.found.node != 0 && std::ranges::find(visited_, t.found.node) != visited_.end()) {
      count_.add(Counter::dns_cname_loop);
      return false;
    }
    s = {t.found, began + t.at, t.name_len};
    return true;
  }

  Rcode deny(Rcode rcode) {
    if (!out_.put(zone_.negative_soa(), out_.apex_at(), Section::Authority)) out_.tc = true;
    return rcode;
  }

  Rcode refer(const Sought& s) {
    const NodeAt cut = s.found.cut;
    const RRset ns = zone_.open(cut, *zone_.rrset(cut, Type::Ns));
    const size_t began = out_.at();
    // The cut is a proper suffix of the apex's names, so it stands spelt out where the sought name does.
    const size_t owner = s.at + s.name_len - zone_.node(cut).name_len;
    if (!out_.put(ns, owner, Section::Authority)) {
      out_.tc = true;
      return Rcode::NoError;
    }
    for (const Target& t : ns.targets) {
      const bool needed = t.found.cut == cut;  // RFC 9471 §3.1: in-domain glue is not optional
      if (!add_address(t, began) && needed) out_.tc = true;
    }
    return Rcode::NoError;
  }

  // RFC 1034 §4.3.2 step 6. What does not fit is left out without TC (RFC 2181 §9).
  void add_addresses(const RRset& set, size_t began) {
    for (const Target& t : set.targets) add_address(t, began);
  }

  // False when an address there is did not fit. A name beyond the reach of a pointer counts as not fitting.
  bool add_address(const Target& t, size_t began) {
    if (t.found.node == 0) return true;
    bool all = true;
    for (const Type type : {Type::A, Type::Aaaa}) {
      const RRsetHead* h = zone_.rrset(t.found.node, type);
      if (h == nullptr) continue;
      const size_t owner = began + t.at;
      all &= owner < pointer_reach && out_.put(zone_.open(t.found.node, *h), owner, Section::Additional);
    }
    return all;
  }

  const Zone& zone_;
  const Query& query_;
  const Options& options_;
  Response& out_;
  Counters& count_;
  StaticVec<NodeAt, cname_chain_cap> visited_;
};

// What a query's type and class are answered with, whatever its name. RFC 5936 §4.2 has no AXFR over UDP;
// transfers over TCP are not offered, and IXFR not at all. OPT and TSIG belong into the additional section
// only.
Rcode screen(const Query& q, const Transport& how) {
  if (q.type == Type::Axfr && how.kind == Transport::Kind::Udp) return Rcode::FormErr;
  if (q.type == Type::Axfr || q.type == Type::Ixfr) return Rcode::Refused;
  if (q.type == Type::Opt || q.type == Type::Tsig) return Rcode::FormErr;
  if (q.type == Type::Tkey || q.type == Type::Maila || q.type == Type::Mailb) return Rcode::NotImp;
  if (q.qclass != Class::In) return Rcode::Refused;
  return Rcode::NoError;
}

Counter type_counter(Type t) {
  switch (t) {
    case Type::A:
      return Counter::dns_type_a;
    case Type::Aaaa:
      return Counter::dns_type_aaaa;
    case Type::Ns:
      return Counter::dns_type_ns;
    case Type::Soa:
      return Counter::dns_type_soa;
    case Type::Cname:
      return Counter::dns_type_cname;
    case Type::Mx:
      return Counter::dns_type_mx;
    case Type::Txt:
      return Counter::dns_type_txt;
    case Type::Ptr:
      return Counter::dns_type_ptr;
    case Type::Srv:
      return Counter::dns_type_srv;
    case Type::Any:
      return Counter::dns_type_any;
    default:
      return Counter::dns_type_other;
  }
}

Counter rcode_counter(Rcode r) {
  switch (r) {
    case Rcode::NoError:
      return Counter::dns_noerror;
    case Rcode::NxDomain:
      return Counter::dns_nxdomain;
    case Rcode::NotImp:
      return Counter::dns_notimp;
    case Rcode::Refused:
      return Counter::dns_refused;
    case Rcode::BadVers:
      return Counter::dns_badvers;
    default:
      return Counter::dns_formerr;
  }
}

// Octets the answer may have: RFC 1035 §4.2.1, RFC 6891 §6.2.3 (below 512 counts as 512).
size_t size_limit(const Query& q, const Options& o, const Transport& how, size_t room, Counters& count) {
  size_t limit = message_max;
  if (how.kind == Transport::Kind::Udp) {
    limit = std::max<size_t>(q.edns.udp_payload, udp_plain_max);
    if (limit > o.udp_payload_max) {
      count.add(Counter::dns_payload_clamped);
      limit = o.udp_payload_max;
    }
  }
  return std::min({limit, how.max_size, room});
}

// A query on its way through three passes. Every pass leaves `rcode` as far as it is known.
struct Pending {
  Query q;
  Rcode rcode;
  const Zone* zone;  // set while rcode is NoError
  size_t limit;      // octets the records may fill up to; OPT's are already taken off
};

// First pass: reads the message and finds its zone. False and `why` when it deserves no answer.
bool take_up(const Zones& zones, const Exchange& x, Pending& p, Counter& why, Counters& count) {
  const Bytes message = x.buffer.first(x.len);
  const auto header = Header::parse(message);
  if (!header || header->qr()) {
    why = header ? Counter::dns_response : header.why();
    return false;
  }
  p.rcode = p.q.parse(message);
  const size_t limit = size_limit(p.q, zones.options(), x.how, x.buffer.size(), count);
  const size_t opt_room = p.q.has_edns ? opt_len : 0;
  if (limit < p.q.question_end + opt_room) {
    why = Counter::dns_no_room;
    return false;
  }
  p.limit = limit - opt_room;
  count.add(x.how.kind == Transport::Kind::Udp ? Counter::dns_queries_udp : Counter::dns_queries_tcp);
  if (header->opcode() != Opcode::Query) p.rcode = Rcode::NotImp;
  if (p.rcode == Rcode::NoError && p.q.has_edns && p.q.edns.version != 0) p.rcode = Rcode::BadVers;
  if (p.rcode != Rcode::NoError) return true;
  count.add(type_counter(p.q.type));
  p.rcode = screen(p.q, x.how);
  if (p.rcode != Rcode::NoError) return true;
  p.zone = zones.find(p.q.name, p.q.type);
  if (p.zone == nullptr) p.rcode = Rcode::Refused;
  return true;
}

// Last pass: writes the answer over the query and returns its length.
size_t reply(const Zones& zones, const Exchange& x, Pending& p, Counters& count) {
  Response out{x.buffer, p.q.question_end, p.limit};
  if (p.rcode == Rcode::NoError) {
    out.use_apex(header_len + p.q.name.len() - p.zone->apex().len());
    p.rcode = Walk{*p.zone, p.q, zones.options(), out, count}.run();
  }
  count.add(rcode_counter(p.rcode));
  if (out.tc) count.add(Counter::dns_truncated);
  const Edns mine{static_cast<uint16_t>(zones.options().udp_payload_max),
                  static_cast<uint8_t>(static_cast<uint16_t>(p.rcode) >> 4), 0, p.q.edns.dnssec_ok};
  return out.finish(p.rcode, p.q.question_end != header_len, p.q.has_edns ? &mine : nullptr);
}

// Under way at once. Each takes under 2 KiB of stack, of which a usual name touches 300 octets.
constexpr size_t abreast = 32;

}  // namespace

Result<size_t> answer(const Zones& zones, MutBytes buffer, size_t query_len, const Transport& how,
                      Counters& count) {
  const Exchange x{buffer, query_len, how};
  Pending p;
  Counter why;
  if (!take_up(zones, x, p, why, count)) return why;
  return reply(zones, x, p, count);
}

// A query waits for memory twice, and a prefetch itself waits when the address must be translated first:
// those of all queries stand close together, so that the waits overlap.
void answer(const Zones& zones, std::span<Exchange> burst, Counters& count) {
  union Room {  // made only when its turn comes: most bursts need few
    Room() {}
    Pending pending;
  };
  static_assert(std::is_trivially_destructible_v<Pending>);
  std::array<Room, abreast> rooms;
  for (; !burst.empty(); burst = burst.subspan(std::min(abreast, burst.size()))) {
    const size_t n = std::min(abreast, burst.size());
    for (size_t i = 0; i < n; ++i) {
      Pending& p = *new (&rooms[i].pending) Pending;
      p.zone = nullptr;
      burst[i].answered = take_up(zones, burst[i], p, burst[i].why, count);
    }
    for (size_t i = 0; i < n; ++i)
      if (const Pending& p = rooms[i].pending; p.zone != nullptr) p.zone->prefetch_slot(p.q.name);
    for (size_t i = 0; i < n; ++i)
      if (const Pending& p = rooms[i].pending; p.zone != nullptr) p.zone->prefetch_node(p.q.name);
    for (size_t i = 0; i < n; ++i)
      burst[i].len = burst[i].answered ? reply(zones, burst[i], rooms[i].pending, count) : 0;
  }
}

}  // namespace sluice::dns
