// SPDX-License-Identifier: Apache-2.0
// A value, or the counter that says why there is none. The only error type under stack/.
#pragma once

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/counters.h"

namespace sluice {

template <class T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : v_{std::in_place_index<0>, std::move(value)} {}
  constexpr Result(Counter why) : v_{std::in_place_index<1>, why} {}

  constexpr explicit operator bool() const { return v_.index() == 0; }
  // The value; the caller has tested that there is one.
  constexpr T& operator*() { return *std::get_if<0>(&v_); }
  constexpr const T& operator*() const { return *std::get_if<0>(&v_); }
  constexpr T* operator->() { return std::get_if<0>(&v_); }
  constexpr const T* operator->() const { return std::get_if<0>(&v_); }
  // The reason; the caller has tested that there is no value.
  constexpr Counter why() const { return *std::get_if<1>(&v_); }

 private:
  std::variant<T, Counter> v_;
};

}  // namespace sluice
