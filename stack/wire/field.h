// SPDX-License-Identifier: Apache-2.0
// A header field: an offset that knows its type. Views are built from these; the view has proved the length
// once.
#pragma once

#include <concepts>
#include <cstddef>

#include "base/bytes.h"

namespace sluice::wire {

// A strong type on the wire says how wide it is and how it is read and written:
//   static constexpr size_t wire_size; static T load(const uint8_t*); void store(uint8_t*) const;
template <class T>
concept WireType = requires(T v, uint8_t* p) {
  { T::load(p) } -> std::same_as<T>;
  v.store(p);
  T::wire_size;
};

template <class T>
struct Field {
  size_t at;

  constexpr T get(const uint8_t* header) const {
    if constexpr (WireType<T>)
      return T::load(header + at);
    else
      return load_be<T>(header + at);
  }
  constexpr void set(uint8_t* header, T v) const {
    if constexpr (WireType<T>)
      v.store(header + at);
    else
      store_be<T>(header + at, v);
  }
  constexpr size_t end() const {
    if constexpr (WireType<T>)
      return at + T::wire_size;
    else
      return at + sizeof(T);
  }
};

}  // namespace sluice::wire
