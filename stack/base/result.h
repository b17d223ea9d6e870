// SPDX-License-Identifier: Apache-2.0
// A value, or the counter that says why there is none. The only error type under stack/.
#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/counters.h"

namespace sluice {

template <class T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : v_{std::move(value)} {}
  constexpr Result(Counter why) : why_{why} {}

  constexpr explicit operator bool() const { return v_.has_value(); }
  // The value; the caller has tested that there is one.
  constexpr T& operator*() { return *v_; }
  constexpr const T& operator*() const { return *v_; }
  constexpr T* operator->() { return &*v_; }
  constexpr const T* operator->() const { return &*v_; }
  // The reason; the caller has tested that there is no value.
  constexpr Counter why() const { return why_; }

 private:
  std::optional<T> v_;  // and not a variant with the reason, which would ask at every look what it holds
  Counter why_{};
};

}  // namespace sluice
