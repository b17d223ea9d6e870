// SPDX-License-Identifier: Apache-2.0
// What makes records a zone. RFC 1034 §4.2.1, §3.6.2; RFC 1035 §5.2; RFC 2181 §5.2, §10.1; RFC 4592 §4.2.
// Control plane.
#pragma once

#include <memory>
#include <string_view>

#include "dns/complaint.h"
#include "dns/master_file.h"
#include "dns/zone.h"

namespace sluice::dns {

// Brings the records into the order that Zone::build wants (owner, then type) and removes duplicates and what
// lies outside the zone. Errors: not exactly one SOA, an SOA below the apex, no NS at the apex, CNAME beside
// other data or twice, NS at a wildcard, an RRset that fits no message.
void check_zone(const Name& apex, MasterFile& file, Complaints&);

// Looks behind the names in NS, MX and SRV records that lie in the zone. Errors: a name server of the zone
// itself is an alias or has no address. Warnings: the same of delegations, mail exchangers and services.
void check_targets(const Zone&, const MasterFile& file, Complaints&);

// Text to zone: parse, check, build, check targets. Null when there is an error among the complaints.
std::shared_ptr<const Zone> load_zone(std::string_view text, std::string_view file_name, const Name& apex,
                                      const Loader&, const Options&, Complaints&);

}  // namespace sluice::dns
