// SPDX-License-Identifier: Apache-2.0
// Any text as a master file. What is accepted must be a zone whose every name answers; what is not, has a
// complaint.
#include <vector>

#include "dns/answer.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/zone_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  using namespace sluice::dns;
  const std::string_view text = as_text({data, size});
  Name apex;
  check(Name::parse("z.", Name{}, apex) == nullptr, "the apex is a name");
  // A file may include what stands behind its first zero octet.
  const size_t cut = std::min(text.find('\0'), text.size());
  const Loader load = [&](std::string_view, std::string_view) -> std::optional<std::string> {
    if (cut == text.size()) return std::nullopt;
    return std::string(text.substr(cut + 1));
  };
  Complaints complaints;
  MasterFile file =
      parse_master_file(text.substr(0, cut), "z", apex, load, {.include_depth_max = 2}, complaints);
  for (const Record& r : file.records) {
    check(r.ttl <= 0x7fffffff && is_data(r.type), "a record is within its bounds");
    check(Name::from_wire(as_bytes(r.owner)).labels() <= max_labels, "an owner is a name");
    const RdataForm* form = form_of(r.type);
    check(form == nullptr || has_form(*form, as_bytes(r.rdata)), "rdata has the form of its type");
  }
  check_zone(apex, file, complaints);
  if (!complaints.ok()) return 0;
  const Zones zones{{Zone::build(apex, file.records)}};
  Counters count;
  for (const Record& r : file.records) {
    std::vector<uint8_t> m{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    m.insert(m.end(), r.owner.begin(), r.owner.end());
    const auto type = static_cast<uint16_t>(r.type);
    m.insert(m.end(), {static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type), 0, 1});
    const size_t asked = m.size();
    m.resize(message_max);
    const auto n = answer(zones, m, asked, {Transport::Kind::Tcp}, count);
    check(static_cast<bool>(n), "a query for what is in the zone is answered");
    const Header h = *Header::parse(m);
    check(h.rcode() == Rcode::NoError && !h.tc(), "and found, and fits");
    check(h.ancount() + h.nscount() > 0, "by data or a referral");
  }
  return 0;
}
