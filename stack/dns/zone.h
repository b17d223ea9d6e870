// SPDX-License-Identifier: Apache-2.0
// A zone as workers read it: immutable, one block of memory, answers nearly written. RFC 1034 §4.2, RFC 4592.
// Built once by zone_build.cc; shared among workers without a lock. Knows no message and no query.
//
// Every name that exists is a node: owners and empty non-terminals alike, so that the longest suffix found is
// the closest encloser (RFC 4592 §3.3.1). A node, its name, its RRsets and their octets lie side by side: a
// lookup touches one slot of the index and, as a rule, two cache lines. About 85 bytes for a name with one A
// record.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/huge_vector.h"
#include "base/prefetch.h"
#include "dns/folded_name.h"
#include "dns/name.h"
#include "dns/record.h"
#include "dns/types.h"

namespace sluice::dns {

// Offset of a node in its zone's memory, in words of four octets; 0 is "no node".
using NodeAt = uint32_t;

// What a name meets in the zone. Three outcomes of RFC 1034 §4.3.2 step 3 in two numbers.
struct Found {
  NodeAt node = 0;  // the name itself or the wildcard that stands for it; 0: the name does not exist
  NodeAt cut = 0;   // the topmost delegation at or above the name; 0: the zone is authoritative for it
};

struct Node {
  NodeAt cut;       // see Found
  NodeAt wildcard;  // the child "*"; 0: none
  uint16_t rrsets;  // RRsetHead follow this header, sorted by type; then the name; then their data
  uint8_t name_len;
  uint8_t labels;
};

struct RRsetHead {
  uint16_t type;
  uint16_t records;
  uint16_t len;  // octets of all records
  uint16_t fixups;
  uint32_t targets;
  uint32_t data;  // words from the node to its targets, then fixups, then octets
};

// Where a compression pointer inside the octets must be completed when they are put into a message.
struct Fixup {
  static constexpr uint16_t apex = 0xffff;
  uint16_t at;  // offset of the pointer
  uint16_t to;  // offset of what it points to in these octets, or `apex`: the zone's name in the question
};

// A name in the rdata whose addresses are useful to the asker, or with which the answer goes on (CNAME).
struct Target {
  Found found;       // {0, 0} as well when it lies outside the zone
  uint16_t at;       // offset of the name in the octets
  uint8_t name_len;  // uncompressed
  bool in_zone;
};

// All records of a name and type in wire format, each with owner 0xC00C: the name of the question.
struct RRset {
  Type type;
  uint16_t records;
  Bytes octets;
  std::span<const Fixup> fixups;
  std::span<const Target> targets;  // one per record, for types that have them
};

class Zone {
 public:
  // `records` are those of check_zone(): sorted, in the zone, without duplicates, exactly one SOA.
  static std::shared_ptr<const Zone> build(const Name& apex, const std::vector<Record>& records);

  const Name& apex() const { return apex_; }
  Bytes folded_apex() const { return name(negative_); }
  unsigned apex_labels() const { return apex_labels_; }

  // `name` lies in the zone.
  Found find(const FoldedName& name) const;
  // Fetch what find() will read first, then, once that is there, what it will read next.
  void prefetch_slot(const FoldedName& name) const { prefetch(&slot(name)); }
  void prefetch_node(const FoldedName& name) const {
    const uint32_t* node = &words_[first_tagged(name.hash(first_skip(name)))];
    prefetch(node);
    // Hints, which may lie beyond the last node: 85 octets are two lines, at times three.
    prefetch(node + 64 / sizeof *node);
    prefetch(node + 88 / sizeof *node);
  }

  const Node& node(NodeAt at) const { return *reinterpret_cast<const Node*>(&words_[at]); }
  Bytes name(NodeAt at) const {
    const Node& n = node(at);
    return {reinterpret_cast<const uint8_t*>(heads(at) + n.rrsets), n.name_len};
  }
  // Null when the node has none of that type.
  const RRsetHead* rrset(NodeAt at, Type type) const {
    const RRsetHead* h = heads(at);
    for (const RRsetHead* end = h + node(at).rrsets; h != end; ++h)
      if (h->type == static_cast<uint16_t>(type)) return h;
    return nullptr;
  }
  // The RRset of the lowest type number; null for an empty non-terminal.
  const RRsetHead* first_rrset(NodeAt at) const { return node(at).rrsets == 0 ? nullptr : heads(at); }
  RRset open(NodeAt at, const RRsetHead& h) const;

  // The SOA record as negative answers carry it: TTL = min(TTL, MINIMUM), RFC 2308 §3.
  RRset negative_soa() const { return open(negative_, *heads(negative_)); }

  size_t nodes() const { return nodes_; }
  size_t memory() const { return words_.size() * 4 + slots_.size() * sizeof(Slot); }  // octets

 private:
  friend class ZoneBuilder;
  struct Slot {
    uint32_t tag;  // upper half of the hash
    NodeAt node;   // 0: free
  };
  Zone() = default;
  const RRsetHead* heads(NodeAt at) const {
    return reinterpret_cast<const RRsetHead*>(&words_[at + sizeof(Node) / 4]);
  }
  NodeAt exact(Bytes name, uint64_t hash) const;
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  // The node that exact() will compare first; 0: none.
  NodeAt first_tagged(uint64_t hash) const {
    size_t i = hash & (slots_.size() - 1);
    while (slots_[i].node != 0 && slots_[i].tag != tag_of(hash)) i = (i + 1) & (slots_.size() - 1);
    return slots_[i].node;
  }
  // Labels that the longest suffix of `name` to be looked for lacks.
  unsigned first_skip(const FoldedName& name) const {
    return name.labels() > deepest_ ? name.labels() - deepest_ : 0;
  }
  const Slot& slot(const FoldedName& name) const {
    return slots_[name.hash(first_skip(name)) & (slots_.size() - 1)];
  }

  Name apex_;
  unsigned apex_labels_ = 0;
  unsigned deepest_ = 0;  // labels of the longest node: no longer suffix needs a probe
  NodeAt negative_ = 0;   // a node outside the index
  size_t nodes_ = 0;
  HugeVector<uint32_t> words_;
  HugeVector<Slot> slots_;  // open addressing, at most half full
};

}  // namespace sluice::dns
