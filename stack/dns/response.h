// SPDX-License-Identifier: Apache-2.0
// An answer under construction behind its question: whole RRsets go in, with their names' pointers completed.
// RFC 1035 §4.1.3, §4.1.4; RFC 2181 §9 (nothing in half). Knows no zone's rules.
#pragma once

#include "dns/edns.h"
#include "dns/message.h"
#include "dns/zone.h"

namespace sluice::dns {

enum class Section : uint8_t { Answer, Authority, Additional };

class Response {
 public:
  // Records may fill buffer[from, limit).
  Response(MutBytes buffer, size_t from, size_t limit) : p_{buffer.data()}, at_{from}, limit_{limit} {}

  // Where the zone's apex stands in the question, for the pointers of its RRsets.
  void use_apex(size_t at) { apex_at_ = at; }

  // Appends the whole set, or nothing and false when there is no room. `owner` is the offset of its name,
  // below pointer_reach.
  bool put(const RRset& set, size_t owner, Section s) {
    if (set.octets.size() > limit_ - at_) return false;
    uint8_t* const to = p_ + at_;
    std::memcpy(to, set.octets.data(), set.octets.size());
    for (const Fixup& f : set.fixups) point(to + f.at, f.to == Fixup::apex ? apex_at_ : at_ + f.to);
    if (owner != header_len) own(to, set, owner);
    at_ += set.octets.size();
    count_[static_cast<size_t>(s)] = static_cast<uint16_t>(count_[static_cast<size_t>(s)] + set.records);
    return true;
  }

  // RFC 1035 §4.1.1. ID, opcode and RD stay those of the query; RA, Z, AD and CD become 0. Returns the whole
  // length.
  size_t finish(Rcode rcode, bool question, const Edns* edns) {
    if (edns != nullptr) {
      edns->emit(p_ + at_);
      at_ += opt_len;
      ++count_[2];
    }
    p_[2] = static_cast<uint8_t>(0x80 | (p_[2] & 0x79) | (aa ? 0x04 : 0) | (tc ? 0x02 : 0));
    p_[3] = static_cast<uint8_t>(rcode) & 0x0f;
    store_be<uint16_t>(p_ + 4, question ? 1 : 0);
    for (size_t i = 0; i < 3; ++i) store_be(p_ + 6 + 2 * i, count_[i]);
    return at_;
  }

  size_t at() const { return at_; }  // where the next set would begin
  size_t apex_at() const { return apex_at_; }

  bool aa = false;
  bool tc = false;

 private:
  static void point(uint8_t* p, size_t to) { store_be(p, static_cast<uint16_t>(0xc000 | to)); }
  static void own(uint8_t* p, const RRset& set, size_t owner) {
    for (unsigned i = 0; i < set.records; ++i) {
      point(p, owner);
      p += 12u + load_be<uint16_t>(p + 10);
    }
  }

  uint8_t* p_;
  size_t at_, limit_;
  size_t apex_at_ = header_len;
  uint16_t count_[3] = {0, 0, 0};
};

}  // namespace sluice::dns
