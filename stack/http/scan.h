// SPDX-License-Identifier: Apache-2.0
// Where the text of a header field ends: the one loop that sees every octet of a head. Knows no grammar but
// the octets of field-content, RFC 9110 §5.5.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>

#include <bit>
#endif

namespace sluice::http {

// HTAB, SP, visible ASCII and obs-text; all else ends a field or is an attack.
constexpr bool is_field_text(uint8_t c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; }

// Index of the first octet that may not stand in a field's value, n when there is none. Reads p[0..n) only.
inline size_t scan_field_text(const uint8_t* p, size_t n) {
  size_t i = 0;
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
  for (; i + 16 <= n; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, last_control), v);
    const __m128i bad =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), control), _mm_cmpeq_epi8(v, del));
    if (const auto mask = static_cast<unsigned>(_mm_movemask_epi8(bad)); mask != 0)
      return i + static_cast<size_t>(std::countr_zero(mask));
  }
#endif
  while (i < n && is_field_text(p[i])) ++i;
  return i;
}

}  // namespace sluice::http
