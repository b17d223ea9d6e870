// SPDX-License-Identifier: Apache-2.0
// Lays a zone out in memory: nodes for all names, RRsets compressed against the question and themselves. RFC
// 1035 §4.1.4.
#include <algorithm>
#include <bit>
#include <set>
#include <unordered_map>

#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/zone.h"

namespace sluice::dns {
namespace {

// RRsets start below this offset of a message (answer.cc), so a pointer to anything in the first half of what
// a pointer can reach is always possible.
constexpr size_t self_reach = pointer_reach / 2;
constexpr uint8_t owner_pointer[2] = {0xc0, header_len};

void put16(std::string& s, size_t v) {
  s += static_cast<char>(v >> 8);
  s += static_cast<char>(v);
}
void put32(std::string& s, uint32_t v) {
  put16(s, v >> 16);
  put16(s, v & 0xffff);
}

struct Encoded {
  Type type{};
  uint16_t records = 0;
  std::string octets;
  std::vector<Fixup> fixups;
  std::vector<Target> targets;
};

// One RRset on its way to wire format.
class Encoder {
 public:
  explicit Encoder(std::string_view apex) : apex_{apex} {}

  void add(const Record& r, uint32_t ttl) {
    e_.type = r.type;
    ++e_.records;
    e_.octets.append(reinterpret_cast<const char*>(owner_pointer), 2);
    put16(e_.octets, static_cast<uint16_t>(r.type));
    put16(e_.octets, static_cast<uint16_t>(Class::In));
    put32(e_.octets, ttl);
    const size_t rdlen_at = e_.octets.size();
    put16(e_.octets, 0);
    rdata(r);
    store_be(reinterpret_cast<uint8_t*>(&e_.octets[rdlen_at]),
             static_cast<uint16_t>(e_.octets.size() - rdlen_at - 2));
  }
  Encoded take() { return std::move(e_); }

 private:
  void rdata(const Record& r) {
    const Bytes whole = as_bytes(r.rdata);
    const RdataForm* form = form_of(r.type);
    const auto target = target_of(r.type, whole);
    if (form == nullptr) {
      e_.octets += r.rdata;
      return;
    }
    for_each_field(*form, whole, [&](Field f, Bytes b) {
      if (target && b.data() == whole.data() + target->at)
        e_.targets.push_back(
            {{}, static_cast<uint16_t>(e_.octets.size()), static_cast<uint8_t>(b.size()), false});
      if (f == Field::Name)
        name(b);
      else
        e_.octets += as_text(b);
    });
  }

  void name(Bytes wire) {
    std::string key = lowered(wire);
    for (size_t at = 0; wire[at] != 0; at += 1u + wire[at]) {
      const std::string_view suffix = std::string_view{key}.substr(at);
      if (const auto seen = seen_.find(std::string(suffix)); seen != seen_.end())
        return pointer(seen->second);
      if (suffix == apex_) return pointer(Fixup::apex);
      if (e_.octets.size() < self_reach) seen_.emplace(suffix, static_cast<uint16_t>(e_.octets.size()));
      e_.octets += as_text(wire.subspan(at, 1u + wire[at]));
    }
    e_.octets += '\0';
  }
  void pointer(uint16_t to) {
    e_.fixups.push_back({static_cast<uint16_t>(e_.octets.size()), to});
    put16(e_.octets, 0xc000);
  }

  std::string_view apex_;
  Encoded e_;
  std::unordered_map<std::string, uint16_t> seen_;  // where a suffix stands in the octets
};

constexpr size_t words_for(size_t octets) { return (octets + 3) / 4; }

}  // namespace

class ZoneBuilder {
 public:
  ZoneBuilder(const Name& apex, const std::vector<Record>& records)
      : records_{records}, apex_{lowered(apex.wire())} {
    zone_.reset(new Zone);
    zone_->apex_ = apex;
    zone_->apex_labels_ = apex.labels();
  }

  std::shared_ptr<const Zone> build() {
    zone_->words_.assign(1, 0);  // so that no node is at 0
    place_owners();
    place_empty_non_terminals();
    place_negative_soa();
    zone_->words_.shrink_to_fit();
    index();
    for_each_node([this](NodeAt at) { relate(at); });
    for_each_node([this](NodeAt at) { aim_targets(at); });
    return zone_;
  }

 private:
  using Range = std::span<const Record>;

  template <class T>
  void put(const T* from, size_t n) {
    auto& w = zone_->words_;
    const size_t at = w.size();
    w.resize(at + words_for(n * sizeof(T)));
    if (n != 0) std::memcpy(&w[at], from, n * sizeof(T));
  }

  NodeAt place(std::string_view name, const std::vector<Encoded>& rrsets) {
    const auto at = static_cast<NodeAt>(zone_->words_.size());
    const FoldedName folded = fold(name);
    Node n{0, 0, static_cast<uint16_t>(rrsets.size()), static_cast<uint8_t>(name.size()),
           static_cast<uint8_t>(folded.labels())};
    put(&n, 1);
    size_t data = words_for(sizeof n) + rrsets.size() * words_for(sizeof(RRsetHead)) + words_for(name.size());
    for (const Encoded& e : rrsets) {
      const RRsetHead h{static_cast<uint16_t>(e.type),           e.records,
                        static_cast<uint16_t>(e.octets.size()),  static_cast<uint16_t>(e.fixups.size()),
                        static_cast<uint32_t>(e.targets.size()), static_cast<uint32_t>(data)};
      put(&h, 1);
      data += words_for(e.targets.size() * sizeof(Target)) + words_for(e.fixups.size() * sizeof(Fixup)) +
              words_for(e.octets.size());
    }
    put(name.data(), name.size());
    for (const Encoded& e : rrsets) {
      put(e.targets.data(), e.targets.size());
      put(e.fixups.data(), e.fixups.size());
      put(e.octets.data(), e.octets.size());
    }
    zone_->deepest_ = std::max<unsigned>(zone_->deepest_, n.labels);
    return at;
  }

  void place_owners() {
    for (size_t i = 0; i < records_.size();) {
      const std::string& owner = records_[i].owner;
      std::vector<Encoded> rrsets;
      while (i < records_.size() && records_[i].owner == owner) {
        Encoder e{apex_};
        const Type type = records_[i].type;
        for (; i < records_.size() && records_[i].owner == owner && records_[i].type == type; ++i)
          e.add(records_[i], records_[i].ttl);
        rrsets.push_back(e.take());
      }
      nodes_.push_back(place(owner, rrsets));
    }
  }

  // RFC 4592 §2.2.2: a name with descendants exists, though it owns nothing.
  void place_empty_non_terminals() {
    std::set<std::string> empty;
    for (const NodeAt at : nodes_) {
      std::string name(as_text(zone_->name(at)));
      while (name.size() > apex_.size()) {
        name.erase(0, 1u + static_cast<uint8_t>(name[0]));
        if (owns(name) || !empty.insert(name).second) break;
      }
    }
    for (const std::string& name : empty) nodes_.push_back(place(name, {}));
  }
  bool owns(const std::string& name) const {
    return std::ranges::binary_search(records_, name, {}, &Record::owner);
  }

  void place_negative_soa() {
    const auto soa = std::ranges::find(records_, Type::Soa, &Record::type);
    check(soa != records_.end(), "the zone has been checked: it has an SOA");
    const Bytes rdata = as_bytes(soa->rdata);
    Encoder e{apex_};
    e.add(*soa, std::min(soa->ttl, load_be<uint32_t>(rdata.data() + rdata.size() - 4)));
    std::vector<Encoded> one;
    one.push_back(e.take());
    zone_->negative_ = place(apex_, one);
  }

  void index() {
    zone_->nodes_ = nodes_.size();
    zone_->slots_.assign(std::bit_ceil(std::max<size_t>(nodes_.size() * 2, 8)), {0, 0});
    const size_t mask = zone_->slots_.size() - 1;
    for (const NodeAt at : nodes_) {
      const uint64_t hash = fold(as_text(zone_->name(at))).hash(0);
      size_t i = hash & mask;
      while (zone_->slots_[i].node != 0) i = (i + 1) & mask;
      zone_->slots_[i] = {static_cast<uint32_t>(hash >> 32), at};
    }
  }

  template <class F>
  void for_each_node(F&& f) {
    for (const NodeAt at : nodes_) f(at);
    f(zone_->negative_);
  }

  Node& mutable_node(NodeAt at) { return reinterpret_cast<Node&>(zone_->words_[at]); }

  // Finds the node's topmost cut, and tells its parent if it is a wildcard.
  void relate(NodeAt at) {
    const FoldedName name = fold(as_text(zone_->name(at)));
    const unsigned below_apex = name.labels() - zone_->apex_labels_;
    for (unsigned skip = below_apex; skip-- > 0;) {
      const NodeAt above = zone_->exact(name.suffix(skip), name.hash(skip));
      if (zone_->rrset(above, Type::Ns) == nullptr) continue;
      mutable_node(at).cut = above;
      break;
    }
    const Bytes wire = name.suffix(0);
    if (below_apex > 0 && wire[0] == 1 && wire[1] == '*')
      mutable_node(zone_->exact(name.suffix(1), name.hash(1))).wildcard = at;
  }

  void aim_targets(NodeAt at) {
    for (const RRsetHead& h : std::span{zone_->heads(at), zone_->node(at).rrsets}) {
      const RRset set = zone_->open(at, h);
      for (const Target& seen : set.targets) aim(const_cast<Target&>(seen), set);
    }
  }
  void aim(Target& t, const RRset& set) {
    const std::string name = expand(set, t.at);
    if (!name.ends_with(apex_)) return;
    const FoldedName folded = fold(name);
    if (folded.labels() < zone_->apex_labels_) return;
    // ends_with compares octets; only a suffix that starts at a label is the apex.
    if (as_text(folded.suffix(folded.labels() - zone_->apex_labels_)) != apex_) return;
    t.in_zone = true;
    t.found = zone_->find(folded);
  }
  // The uncompressed, lower-cased name at `at` of the RRset's octets.
  std::string expand(const RRset& set, size_t at) const {
    std::string name;
    for (;;) {
      const uint8_t n = set.octets[at];
      if (n < 0xc0) {
        name += as_text(set.octets.subspan(at, 1u + n));
        if (n == 0) return lowered(as_bytes(name));
        at += 1u + n;
        continue;
      }
      const auto* fixup = &*std::ranges::find(set.fixups, at, &Fixup::at);
      if (fixup->to == Fixup::apex) return lowered(as_bytes(name + apex_));
      at = fixup->to;
    }
  }

  static FoldedName fold(std::string_view name) {
    FoldedName f;
    check(f.fold(as_bytes(name)), "an owner is a name");
    return f;
  }

  const std::vector<Record>& records_;
  const std::string apex_;
  std::shared_ptr<Zone> zone_;
  std::vector<NodeAt> nodes_;
};

std::shared_ptr<const Zone> Zone::build(const Name& apex, const std::vector<Record>& records) {
  return ZoneBuilder{apex, records}.build();
}

}  // namespace sluice::dns
