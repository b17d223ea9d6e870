// SPDX-License-Identifier: Apache-2.0
// The IPv6 networks our ports are on, and what they say of an address, a gateway or a destination. Knows no
// place in a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/networks.h"

namespace sluice::config {

class Networks6 {
 public:
  explicit Networks6(const std::vector<Port>& ports) : ports_{ports} {}

  // A network one of our ports is on; its address is ours.
  struct Connected {
    size_t port;
    Prefix prefix;
  };
  const std::vector<Connected>& all() const { return connected_; }

  // An address of ours, all that can be said of it: by itself, and beside those added before. Nothing: it is
  // added.
  std::optional<Fault> add(size_t port, const Prefix&);
  bool ours(const IpAddr&) const;
  // Whether the port speaks IPv6, and so has a link-local address.
  bool speaks(size_t port) const;
  // `port`: the one the route names, if it does; a link-local gateway needs one.
  std::optional<Fault> gateway(const IpAddr&, std::optional<size_t> port) const;
  // The destination of a static route.
  std::optional<Fault> destination(const Prefix&) const;

 private:
  std::string on() const;

  const std::vector<Port>& ports_;
  std::vector<Connected> connected_;
};

// The prefix without its host bits.
Prefix network6(const Prefix&);

}  // namespace sluice::config
