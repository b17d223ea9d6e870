// SPDX-License-Identifier: Apache-2.0
// A name made ready for lookups: folded to lower case, its labels found, every suffix hashed once. RFC 4343.
// The hash is not keyed: it looks into tables that are built once, from zones, and never grow by what a
// client sends.
#pragma once

#include <array>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "dns/name.h"

namespace sluice::dns {

namespace fold_detail {

// Eight octets at once: 'A'..'Z' become 'a'..'z', all else stays. Octets above 0x7f stay because their top
// bit masks them out of both additions' carries.
constexpr uint64_t lower8(uint64_t v) {
  constexpr uint64_t each = 0x0101010101010101;
  const uint64_t low7 = v & (0x7f * each);
  const uint64_t ge_a = low7 + (0x80 - 'A') * each, gt_z = low7 + (0x7f - 'Z') * each;
  const uint64_t upper = (ge_a & ~gt_z & ~v) & (0x80 * each);
  return v | upper >> 2;
}
static_assert(lower8(0x405a41617a5b80c1) == 0x407a61617a5b80c1);

// Sixteen at once.
using Vector = uint8_t __attribute__((vector_size(16)));
inline Vector lower16(Vector v) { return v | (reinterpret_cast<Vector>(v - 'A' < 26) & 0x20); }

template <class T>
T load(const uint8_t* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// The word at `i`, i < in.size(); zeros behind the end. Near the end it is shifted out of the last whole
// word: a copy by pieces would be read back before its stores are through.
inline uint64_t word_at(Bytes in, size_t i) {
  constexpr size_t word = sizeof(uint64_t);
  if (i + word <= in.size()) return load<uint64_t>(in.data() + i);
  if (in.size() >= word) {
    const uint64_t last = load<uint64_t>(in.data() + in.size() - word);
    const size_t beyond = 8 * (i + word - in.size());
    return std::endian::native == std::endian::little ? last >> beyond : last << beyond;
  }
  uint64_t v = 0;
  std::memcpy(&v, in.data() + i, in.size() - i);
  return v;
}

constexpr uint64_t mix(uint64_t a, uint64_t b) {
  const auto m = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(m) ^ static_cast<uint64_t>(m >> 64);
}

}  // namespace fold_detail

class FoldedName {
 public:
  // Takes the uncompressed name at the front of `in`. False when it is cut off, too long, or holds a pointer;
  // the object is then unspecified.
  bool fold(Bytes in) {
    size_t at = 0;
    labels_ = 0;
    for (;;) {
      if (at >= in.size() || at >= max_name_len) return false;
      const size_t n = in[at];
      if (n == 0) break;
      if (n > max_label_len) return false;
      at_[labels_++] = static_cast<uint8_t>(at);
      at += 1 + n;
    }
    len_ = static_cast<uint8_t>(at + 1);
    at_[labels_] = static_cast<uint8_t>(at);
    fold_octets(in);
    hash_suffixes(in);
    return true;
  }

  unsigned labels() const { return labels_; }
  // The suffix that lacks the first `skip` labels, skip <= labels(): its octets on the wire and its hash.
  Bytes suffix(unsigned skip) const { return {octets_.data() + at_[skip], len_ - size_t{at_[skip]}}; }
  uint64_t hash(unsigned skip) const { return hash_[skip]; }
  size_t len() const { return len_; }

 private:
  static constexpr size_t word = sizeof(uint64_t);

  // Octets behind the name, as far as the message has any, come along: nobody reads them.
  void fold_octets(Bytes in) {
    using namespace fold_detail;
    size_t i = 0;
    for (; i < len_ && in.size() - i >= sizeof(Vector); i += sizeof(Vector)) {
      const Vector v = lower16(load<Vector>(in.data() + i));
      std::memcpy(octets_.data() + i, &v, sizeof v);
    }
    for (; i < len_; i += word) {
      const uint64_t v = lower8(word_at(in, i));
      std::memcpy(octets_.data() + i, &v, word);
    }
  }

  // Of octets in which lower and upper case of a letter are the same, and two of other octets at times.
  void hash_suffixes(Bytes in) {
    // From the message: octets_ was just written, and a word at an odd place of it would wait until those
    // stores are through.
    const auto caseless_word = [&](size_t i) { return fold_detail::word_at(in, i) | 0x2020202020202020; };
    constexpr uint64_t k0 = 0x9e3779b97f4a7c15, k1 = 0xd6e8feb86659fd93;
    uint64_t h = k0;
    hash_[labels_] = h;
    for (unsigned i = labels_; i-- > 0;) {
      size_t p = at_[i] + size_t{1};
      size_t n = at_[i + 1] - p;
      h ^= n;
      for (; n > word; n -= word, p += word) h = fold_detail::mix(h ^ caseless_word(p), k1);
      const uint64_t mask = n == word ? ~uint64_t{0} : (uint64_t{1} << (8 * n)) - 1;
      h = fold_detail::mix(h ^ (caseless_word(p) & mask), k1 ^ h >> 32);
      hash_[i] = h;
    }
  }

  uint8_t len_;
  uint8_t labels_;
  std::array<uint8_t, max_labels + 1> at_;
  alignas(16) std::array<uint8_t, max_name_len + 1> octets_;  // written in whole vectors
  std::array<uint64_t, max_labels + 1> hash_;
};

}  // namespace sluice::dns
