// SPDX-License-Identifier: Apache-2.0
// Master files: text to records. RFC 1035 §5, RFC 2308 §4 ($TTL), RFC 3597 §5 (unknown types). Does no IO:
// included files come from a loader. Judges entries, not the zone they make (zone_check.h does).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/complaint.h"
#include "dns/name.h"
#include "dns/options.h"
#include "dns/record.h"

namespace sluice::dns {

// The text of the file that $INCLUDE names, or nothing. `from` is the file that asks, as it was named.
using Loader = std::function<std::optional<std::string>(std::string_view name, std::string_view from)>;

struct MasterFile {
  std::vector<Record> records;     // in the order written; those of faulty entries are missing
  std::vector<std::string> files;  // Place::file counts in this list; the first is the file itself
};

// Reads `text`, the content of the file `name`, with `origin` as the first $ORIGIN. Every fault goes to
// `complaints` with its place, and reading goes on behind it.
MasterFile parse_master_file(std::string_view text, std::string_view name, const Name& origin, const Loader&,
                             const Options&, Complaints& complaints);

}  // namespace sluice::dns
