// SPDX-License-Identifier: Apache-2.0
// Where in the file each member of a Config was said, so that checks across the whole can point there. A member without a
// place was not given, or was wrong by itself and has been complained about.
#pragma once

#include <map>
#include <utility>

namespace sluice::config {

struct Place {
  int line = 1, column = 1;
};

class Places {
 public:
  // `member` must not move while this object is asked.
  template <class T>
  void put(const T& member, Place place) {
    places_[{&member, &tag<T>}] = place;
  }
  template <class T>
  const Place* find(const T& member) const {
    const auto found = places_.find({&member, &tag<T>});
    return found == places_.end() ? nullptr : &found->second;
  }

 private:
  // A struct and its first member share an address but not a type.
  template <class T>
  static inline char tag = 0;
  std::map<std::pair<const void*, const void*>, Place> places_;
};

}  // namespace sluice::config
