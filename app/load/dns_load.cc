// SPDX-License-Identifier: Apache-2.0
#include "app/load/dns_load.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "app/load/bulk.h"
#include "dns/message.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

namespace sluice::load {
namespace {

constexpr size_t l2 = wire::Ethernet::header_len;
constexpr auto proto = static_cast<uint8_t>(IpProto::Udp);
constexpr uint32_t ids = 65'536;
constexpr uint32_t groups = DnsLoad::most_outstanding / ids;  // of slots, each with ports of its own

// A frame that carries UDP.
struct Carried {
  IpAddr src, dst;
  Bytes payload;
  bool good = true;  // IPv4's own checksum
};

std::optional<Carried> carried(Bytes frame, bool four) {
  if (frame.size() < l2) return std::nullopt;
  const auto ethertype = static_cast<wire::EtherType>(load_be<uint16_t>(frame.data() + 12));
  if (ethertype != (four ? wire::EtherType::Ip4 : wire::EtherType::Ip6)) return std::nullopt;
  if (four) {
    const auto ip = wire::Ip4::parse(frame.subspan(l2));
    if (!ip || ip->proto() != proto) return std::nullopt;
    return Carried{ip->src(), ip->dst(), ip->payload(), ip->good_checksum()};
  }
  const auto ip = wire::Ip6::parse(frame.subspan(l2));
  if (!ip || ip->next_header() != proto) return std::nullopt;
  return Carried{ip->src(), ip->dst(), ip->payload()};
}

}  // namespace

DnsLoad::DnsLoad(const DnsPlan& plan, const Queries& queries, buf::NetPort& port, const Mac& ours,
                 Sources sources, Host& host, buf::PacketPool& pool)
    : plan_{plan},
      queries_{queries},
      port_{port},
      ours_{ours},
      sources_{sources},
      host_{host},
      pool_{pool},
      slots_(plan.outstanding),
      free_(plan.outstanding),
      free_count_{plan.outstanding} {
  check(plan.outstanding <= most_outstanding, "id and port name every slot");
  std::iota(free_.begin(), free_.end(), 0u);
}

bool DnsLoad::ready(Instant now) {
  const auto mac = host_.mac_of(0, plan_.next_hop, now);
  if (!mac) return false;
  headers_ = Headers{ours_, *mac, plan_.server.is_v4(), proto};
  udp_sum_ = uint64_t{proto} + plan_.port.v;
  return true;
}

std::string DnsLoad::missing() const {
  return to_text(plan_.next_hop) + " does not answer " +
         (plan_.next_hop.is_v4() ? "ARP" : "Neighbour Discovery") + ": is it there?";
}

void DnsLoad::start(Instant now) {
  sending_ = counting_ = true;
  pace_ = Pace{now, plan_.rate};
}
void DnsLoad::measure(Instant now) { due_before_ = plan_.rate == 0 ? 0 : pace_.due(now); }
void DnsLoad::stop(Instant) {
  sending_ = counting_ = false;
  give(waiting_);
}

size_t DnsLoad::turn(Instant now) {
  size_t moved = receive(now);
  if (now >= next_sweep_) {
    host_.expire(now);
    sweep(now);
    next_sweep_ = now + 1_ms;
  }
  moved += host_.send(now);
  return sending_ ? moved + send(now) : moved;
}

// RFC 5452 has resolvers spread over ports; so do we, which spreads queries over a server's queues as well.
Port DnsLoad::port_of(uint32_t slot) const {
  const uint32_t n = slots_[slot].use * groups + slot / ids;
  return {static_cast<uint16_t>(Sources::first_port + n % Sources::ports)};
}
static_assert(Sources::ports % groups == 0, "slots of one id never share a port");

void DnsLoad::write(uint8_t* out, uint32_t slot, Bytes query, uint16_t sum) const {
  const Port port = port_of(slot);
  const auto length = static_cast<uint16_t>(wire::Udp::header_len + query.size());
  const auto id = static_cast<uint16_t>(slot % ids);
  const uint64_t addresses = headers_.write(out, sources_.address(slot), plan_.server, length);
  uint8_t* udp = out + headers_.size();
  wire::Udp::emit(udp, port, plan_.port, length);
  std::memcpy(udp + wire::Udp::header_len, query.data(), query.size());
  store_be(udp + wire::Udp::header_len, id);
  const auto sealed = checksum(udp_sum_ + addresses + port.v + 2u * length + sum + id);
  store_be<uint16_t>(udp + wire::Udp::checksum_at, sealed == 0 ? 0xffff : sealed);
}

size_t DnsLoad::send(Instant now) {
  if (waiting_.empty()) {
    uint64_t n = std::min<uint64_t>(free_count_, buf::burst_size);
    if (plan_.rate != 0) {
      const uint64_t due = pace_.due(now);
      tally.offered.set(due - due_before_);
      n = std::min(n, due - ordered_);
    }
    if (n == 0 || !take(pool_, waiting_, static_cast<unsigned>(n))) return 0;
    for (buf::Packet& p : waiting_) {
      const uint32_t slot = free_[free_first_];
      free_first_ = free_first_ + 1 == free_.size() ? 0 : free_first_ + 1;
      --free_count_;
      Slot& s = slots_[slot];
      s.due = plan_.rate == 0 ? now : pace_.at(ordered_++);
      s.sent = now;
      s.query = next_query_;
      s.under_way = true;
      const Bytes query = queries_.message(next_query_);
      const size_t octets = headers_.size() + wire::Udp::header_len + query.size();
      write(p.append(static_cast<uint16_t>(octets)), slot, query, queries_.sum(next_query_));
      next_query_ = next_query_ + 1 == queries_.size() ? 0 : next_query_ + 1;
    }
  }
  const size_t before = waiting_.size();
  port_.offer(waiting_);
  const size_t taken = before - waiting_.size();
  tally.sent.add(taken);
  return taken;
}

size_t DnsLoad::receive(Instant now) {
  buf::Batch frames, others;
  port_.rx(frames);
  const size_t n = frames.size();
  if (n == 0) return 0;
  buf::for_each_ahead(frames, [&](buf::Packet& p) {
    switch (look(p, now)) {
      case Verdict::Answer:
        break;
      case Verdict::Damaged:
        if (counting_) tally.corrupted.add();
        break;
      case Verdict::Strange:
        others.push(std::move(p));
    }
  });
  give(frames);
  if (!others.empty()) host_.input(0, others, now);
  return n;
}

DnsLoad::Verdict DnsLoad::look(buf::Packet& p, Instant now) {
  if (!p.contiguous()) return Verdict::Strange;
  const auto ip = carried(p.bytes(), headers_.four());
  if (!ip || ip->src != plan_.server || !sources_.has(ip->dst)) return Verdict::Strange;
  const auto udp = wire::Udp::parse(ip->payload);
  if (!udp || !ip->good) return Verdict::Damaged;
  const auto length = static_cast<uint32_t>(udp->whole().size());
  const bool unsealed = udp->checksum() == 0 && headers_.four();  // IPv6 has none without: RFC 8200 §8.1
  if (!unsealed && wire::pseudo_header(ip->src, ip->dst, proto, length).add(udp->whole()).folded() != 0xffff)
    return Verdict::Damaged;
  const Bytes message = udp->payload();
  if (udp->src() != plan_.port || message.size() < dns::header_len) return Verdict::Strange;
  // Which of the slots with this id: the port tells.
  const uint32_t id = load_be<uint16_t>(message.data());
  const uint32_t group = (udp->dst().v - Sources::first_port) % groups;
  const uint32_t slot = group * ids + id;
  if (udp->dst().v < Sources::first_port || slot >= slots_.size() || !slots_[slot].under_way ||
      udp->dst() != port_of(slot) || ip->dst != sources_.address(slot)) {
    if (counting_) tally.strange.add();  // an answer come too late, or twice, or to nothing asked
    return Verdict::Answer;
  }
  answer(slot, message, p.size(), now);
  return Verdict::Answer;
}

void DnsLoad::answer(uint32_t slot, Bytes message, size_t octets, Instant now) {
  const Slot s = slots_[slot];
  release(slot);
  if (!counting_ || !right(s, message)) return;
  tally.received.add();
  tally.octets.add(octets);
  tally.latency.record(now > s.due ? static_cast<uint64_t>((now - s.due).ns) : 0);
}

bool DnsLoad::wrong(Fault f, const char* what) {
  tally.fault(f);
  trouble_ = what;
  return false;
}

bool DnsLoad::right(const Slot& s, Bytes message) {
  const auto h = *dns::Header::parse(message);
  const Bytes query = queries_.message(s.query);
  if (!h.qr() || h.opcode() != dns::Opcode::Query) return wrong(Fault::malformed, "what came is no answer");
  if (h.qdcount() != 1 || message.size() < query.size() ||
      std::memcmp(message.data() + dns::header_len, query.data() + dns::header_len,
                  query.size() - dns::header_len) != 0)
    return wrong(Fault::wrong_question, "an answer repeated another question");
  if (h.tc()) return wrong(Fault::truncated, "an answer was truncated");
  const auto rcode = static_cast<int>(h.rcode());
  const bool fine = plan_.expect_rcode < 0 ? rcode == 0 || rcode == 3 : rcode == plan_.expect_rcode;
  if (!fine) {
    tally.fault(Fault::wrong_rcode);
    trouble_ = "an answer had response code " + std::to_string(rcode);
    return false;
  }
  if (plan_.expect_answers >= 0 && h.ancount() != plan_.expect_answers)
    return wrong(Fault::wrong_answers, "an answer had another number of records");
  return true;
}

void DnsLoad::sweep(Instant now) {
  const size_t n = std::min<size_t>(slots_.size(), std::max<size_t>(256, slots_.size() / 256));
  for (size_t i = 0; i < n; ++i) {
    const uint32_t slot = swept_;
    swept_ = swept_ + 1 == slots_.size() ? 0 : swept_ + 1;
    if (!slots_[slot].under_way || slots_[slot].sent + plan_.timeout > now) continue;
    if (counting_) wrong(Fault::timeout, "an answer did not come in time");
    release(slot);
  }
}

void DnsLoad::release(uint32_t slot) {
  Slot& s = slots_[slot];
  s.under_way = false;
  ++s.use;
  const size_t end = free_first_ + free_count_++;
  free_[end < free_.size() ? end : end - free_.size()] = slot;
}

}  // namespace sluice::load
