// SPDX-License-Identifier: Apache-2.0
#include "dns/zone_check.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "dns/edns.h"
#include "dns/message.h"
#include "dns/rdata.h"

namespace sluice::dns {
namespace {

// What a message has left for one RRset beside header, the longest question and OPT.
constexpr size_t rrset_room = message_max - header_len - (max_name_len + 4) - opt_len;
constexpr size_t record_overhead = 12;  // owner pointer, type, class, TTL, RDLENGTH

std::string name_text(std::string_view wire) { return Name::from_wire(as_bytes(wire)).text(); }

bool in_zone(std::string_view owner, std::string_view apex) {
  for (size_t at = 0; owner.size() - at >= apex.size(); at += 1u + static_cast<uint8_t>(owner[at])) {
    if (owner.size() - at == apex.size()) return owner.substr(at) == apex;
  }
  return false;
}

bool is_singleton(Type t) { return t == Type::Soa || t == Type::Cname || t == Type::Dname; }

class Checker {
 public:
  Checker(const Name& apex, MasterFile& file, Complaints& complaints)
      : apex_{lowered(apex.wire())}, file_{file}, complaints_{complaints} {}

  void run() {
    drop_outsiders();
    std::ranges::sort(file_.records, {}, [](const Record& r) {
      return std::tie(r.owner, r.type, r.place.file, r.place.line);  // one record a line
    });
    std::vector<Record> kept;
    kept.reserve(file_.records.size());
    for (size_t i = 0; i < file_.records.size();) i = owner(i, kept);
    file_.records = std::move(kept);
    if (soas_ == 0)
      whole_zone("has no SOA record", "add: @ SOA PRIMARY MAILBOX SERIAL REFRESH RETRY EXPIRE MINIMUM");
    if (!has_ns_) whole_zone("has no NS record", "add: @ NS SERVER");
  }

 private:
  void complain(const Record& r, std::string wrong, std::string right,
                Complaint::Weight weight = Complaint::Weight::Error) {
    complaints_.add({file_.files[r.place.file], r.place.line, r.place.column,
                     name_text(r.owner) + ": " + std::move(wrong), std::move(right), weight});
  }
  void whole_zone(const char* wrong, const char* right) {
    complaints_.add({file_.files[0], 0, 0, "zone " + name_text(apex_) + ' ' + wrong, right});
  }

  void drop_outsiders() {
    std::erase_if(file_.records, [this](const Record& r) {
      if (in_zone(r.owner, apex_)) return false;
      complain(r, "lies outside the zone " + name_text(apex_) + " and is left out", "is a final dot missing?",
               Complaint::Weight::Warning);
      return true;
    });
  }

  // All records of one owner, from `i` on; returns where the next owner begins.
  size_t owner(size_t i, std::vector<Record>& kept) {
    const std::string name = file_.records[i].owner;
    const Record* cname = nullptr;
    const Record* other = nullptr;
    const size_t began = i;
    while (i < file_.records.size() && file_.records[i].owner == name) {
      (file_.records[i].type == Type::Cname ? cname : other) = &file_.records[i];
      i = rrset(i);
    }
    if (cname != nullptr && other != nullptr) {
      const bool cname_later =
          std::tie(cname->place.file, cname->place.line) > std::tie(other->place.file, other->place.line);
      complain(cname_later ? *cname : *other, "CNAME and other data",
               "a name with a CNAME has nothing else (RFC 1034 §3.6.2)");
    }
    for (size_t k = began; k < i; ++k)
      if (file_.records[k].type != dropped) kept.push_back(std::move(file_.records[k]));
    return i;
  }

  // All records of one owner and type, from `first` on; returns where the next begins.
  size_t rrset(size_t first) {
    auto& all = file_.records;
    const std::string& name = all[first].owner;
    const Type type = all[first].type;
    std::set<std::string> seen;
    size_t octets = 0, i = first;
    bool ttl_told = false;
    for (; i < all.size() && all[i].owner == name && is_of(all[i], type); ++i) {
      Record& r = all[i];
      if (r.ttl != all[first].ttl) {
        if (!ttl_told)
          complain(r,
                   "TTL " + std::to_string(r.ttl) + " differs from that of the set, " +
                       std::to_string(all[first].ttl),
                   "all records of a name and type share one TTL; the first is taken (RFC 2181 §5.2)",
                   Complaint::Weight::Warning);
        ttl_told = true;
        r.ttl = all[first].ttl;
      }
      octets += record_overhead + r.rdata.size();
      if (!seen.insert(canonical_rdata(type, r.rdata)).second) {
        octets -= record_overhead + r.rdata.size();
        r.type = dropped;
      } else if (seen.size() == 2 && is_singleton(type)) {
        complain(r, "a second " + type_text(type) + " record", "keep one");
      }
    }
    judge_set(all[first], type, octets);
    return i;
  }

  void judge_set(const Record& r, Type type, size_t octets) {
    if (type == Type::Soa) {
      ++soas_;
      if (r.owner != apex_)
        complain(r, "an SOA record below the top of the zone", "it belongs to " + name_text(apex_));
    }
    if (type == Type::Ns && r.owner == apex_) has_ns_ = true;
    if (type == Type::Ns && r.owner.starts_with("\1*"))
      complain(r, "NS at a wildcard", "name the delegated zone (RFC 4592 §4.2)");
    if (octets > rrset_room)
      complain(r, type_text(type) + " records of " + std::to_string(octets) + " octets fit no message",
               "at most " + std::to_string(rrset_room) + " for a name and type");
  }

  // A duplicate keeps its place until the owner is done; type 0 exists in no zone (is_data).
  static constexpr Type dropped{};
  static bool is_of(const Record& r, Type t) { return r.type == t; }

  const std::string apex_;
  MasterFile& file_;
  Complaints& complaints_;
  size_t soas_ = 0;
  bool has_ns_ = false;
};

}  // namespace

void check_zone(const Name& apex, MasterFile& file, Complaints& complaints) {
  Checker{apex, file, complaints}.run();
}

void check_targets(const Zone& zone, const MasterFile& file, Complaints& complaints) {
  const std::string apex = lowered(zone.apex().wire());
  for (const Record& r : file.records) {
    const auto t = target_of(r.type, as_bytes(r.rdata));
    if (!t || r.type == Type::Cname) continue;
    const std::string_view target = std::string_view{r.rdata}.substr(t->at, t->len);
    FoldedName name;
    if (!in_zone(lowered(as_bytes(target)), apex) || !name.fold(as_bytes(target))) continue;
    const Found f = zone.find(name);
    const bool alias = f.node != 0 && zone.rrset(f.node, Type::Cname) != nullptr;
    const bool address =
        f.node != 0 && (zone.rrset(f.node, Type::A) != nullptr || zone.rrset(f.node, Type::Aaaa) != nullptr);
    // Addresses below a cut are the child's to know; only its own servers' are needed here, as glue.
    if (address || (f.cut != 0 && r.type != Type::Ns)) continue;
    const bool own_server = r.type == Type::Ns && r.owner == apex;
    complaints.add({file.files[r.place.file], r.place.line, r.place.column,
                    name_text(r.owner) + ": " + type_text(r.type) + " names " + name_text(target) +
                        (alias ? ", an alias" : ", which has no address here"),
                    alias ? "name the host itself (RFC 2181 §10.3)" : "add an A or AAAA record",
                    own_server ? Complaint::Weight::Error : Complaint::Weight::Warning});
  }
}

std::shared_ptr<const Zone> load_zone(std::string_view text, std::string_view file_name, const Name& apex,
                                      const Loader& load, const Options& options, Complaints& complaints) {
  MasterFile file = parse_master_file(text, file_name, apex, load, options, complaints);
  check_zone(apex, file, complaints);
  if (!complaints.ok()) return nullptr;
  auto zone = Zone::build(apex, file.records);
  check_targets(*zone, file, complaints);
  return complaints.ok() ? zone : nullptr;
}

}  // namespace sluice::dns
