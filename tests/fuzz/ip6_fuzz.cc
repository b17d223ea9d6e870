// SPDX-License-Identifier: Apache-2.0
// Any octets as an IPv6 packet: the walk over its extension headers ends within the packet and within its
// limits, and ICMPv6, Neighbour Discovery and MLD read nothing that is not there.
#include "base/check.h"
#include "wire/icmp6.h"
#include "wire/ip6_ext.h"
#include "wire/mld.h"
#include "wire/nd.h"

using namespace sluice;

namespace {

void message(Bytes b) {
  const auto icmp = wire::Icmp6::parse_unchecked(b);
  if (!icmp) return;
  if (icmp->type() == wire::Icmp6Type::RouterAdvertisement) {
    const auto ra = wire::RouterAdvertisement::parse(b);
    if (!ra) return;
    size_t walked = 0;
    wire::for_each_nd_option(ra->options(), [&](wire::NdOption type, Bytes o) {
      walked += o.size();
      if (type == wire::NdOption::PrefixInformation && o.size() == wire::PrefixInformation::len)
        (void)wire::PrefixInformation::load(o);
    });
    check(walked == ra->options().size(), "options that were parsed are walked to their end");
  }
  (void)wire::NeighbourMessage::parse(b);
  (void)wire::RouterSolicitation::parse(b);
  if (const auto query = wire::MldQuery::parse(b)) (void)query->max_response_ms(), (void)query->group();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes b{data, size};
  const auto ip = wire::Ip6::parse(b);
  if (!ip) return 0;
  wire::Ip6Chain chain;
  const wire::Ip6Limits limits{.headers = 4, .octets = 128, .options = 4};
  if (const auto problem = wire::walk_extensions(b, limits, chain)) {
    check(problem->pointer < ip->total_length(), "a problem is within the packet");
    return 0;
  }
  check(chain.upper_at >= wire::Ip6::header_len && chain.upper_at <= ip->total_length(),
        "the upper layer is within the packet");
  check(chain.upper_at - wire::Ip6::header_len <= limits.octets + wire::Ip6Fragment::len,
        "the walk keeps to its limits");
  check(b[chain.proto_at] == chain.proto, "the octet pointed at names the upper layer");
  if (!chain.fragmented || chain.fragment.offset == 0) message(ip->whole().subspan(chain.upper_at));
  return 0;
}
