// SPDX-License-Identifier: Apache-2.0
#include "app/load/packet_load.h"

#include <algorithm>

#include "app/load/bulk.h"
#include "wire/icmp6.h"
#include "wire/tuple.h"

namespace sluice::load {
namespace {

constexpr unsigned way_bit = 31;  // of a stamp's flow: which way

// ARP, Neighbour Discovery and MLD, which come on every link. MLD stands behind a hop-by-hop header (RFC 3810
// §5), which nothing else here has.
bool keeps_the_link(Bytes frame) {
  if (frame.size() < wire::Ethernet::header_len) return false;
  const auto ethertype = load_be<uint16_t>(frame.data() + 12);
  if (ethertype != static_cast<uint16_t>(wire::EtherType::Ip6))
    return ethertype == static_cast<uint16_t>(wire::EtherType::Arp);
  const auto ip = wire::Ip6::parse(frame.subspan(wire::Ethernet::header_len));
  if (!ip) return false;
  if (ip->next_header() == 0) return true;
  return ip->next_header() == static_cast<uint8_t>(IpProto::Icmp6) && !ip->payload().empty() &&
         ip->payload()[0] >= static_cast<uint8_t>(wire::Icmp6Type::MldQuery);
}

}  // namespace

std::vector<uint16_t> imix(uint16_t least) {
  std::vector<uint16_t> mix{64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 594, 64};
  for (uint16_t& size : mix) size = std::max(size, least);
  return mix;
}

PacketLoad::PacketLoad(PacketPlan plan, std::vector<Leg> legs, Host& host, buf::PacketPool& pool)
    : plan_{std::move(plan)}, legs_{std::move(legs)}, host_{host}, pool_{pool}, ways_(plan_.ways.size()) {
  for (size_t w = 0; w < ways_.size(); ++w) {
    ways_[w].plan = plan_.ways[w];
    ways_[w].seen.resize(plan_.flows);
  }
}

bool PacketLoad::ready(Instant now) {
  bool all = true;
  for (Way& w : ways_) {
    if (w.found) continue;
    const auto mac = plan_.peer_mac.is_zero()
                         ? host_.mac_of(static_cast<uint16_t>(w.plan.out), w.plan.next_hop, now)
                         : std::optional{plan_.peer_mac};
    all &= w.found = mac.has_value();
    if (!mac) continue;
    for (const uint16_t size : plan_.sizes)
      w.frames.emplace_back(plan_.carrier, plan_.four, size, legs_[w.plan.out].mac, *mac);
  }
  if (!all) return false;
  by_length_.clear();
  for (const Frame& f : ways_[0].frames)
    if (frame_of(f.length()) == nullptr) by_length_.emplace_back(f.length(), &f);
  return true;
}

std::string PacketLoad::missing() const {
  for (const Way& w : ways_)
    if (!w.found)
      return to_text(w.plan.next_hop) + " does not answer " + (plan_.four ? "ARP" : "Neighbour Discovery") +
             ": is it there? (--peer-mac names its MAC if it never does)";
  return {};
}

void PacketLoad::start(Instant now) {
  sending_ = true;
  const double rate = plan_.rate / static_cast<double>(ways_.size());
  for (Way& w : ways_) w.pace = Pace{now, rate};
}

void PacketLoad::measure(Instant) {
  for (Way& w : ways_) w.counted = w.made - w.waiting.size();
}

void PacketLoad::stop(Instant) {
  sending_ = false;
  for (Way& w : ways_) give(w.waiting);
}

size_t PacketLoad::turn(Instant now) {
  size_t moved = 0;
  for (size_t leg = 0; leg < legs_.size(); ++leg) moved += receive(leg, now);
  if (now >= next_expire_) {
    host_.expire(now);
    next_expire_ = now + 1_ms;
  }
  moved += host_.send(now);
  if (sending_)
    for (size_t w = 0; w < ways_.size(); ++w) moved += send(w, now);
  return moved;
}

size_t PacketLoad::receive(size_t leg, Instant now) {
  buf::Batch frames, others;
  legs_[leg].port->rx(frames);
  const size_t n = frames.size();
  if (n == 0) return 0;
  buf::for_each_ahead(frames, [&](buf::Packet& p) { look(p, others, now); });
  give(frames);
  if (!others.empty()) host_.input(static_cast<uint16_t>(leg), others, now);
  return n;
}

// Frames of one length are one template, whatever their way: only MACs differ, and those a router changes.
const Frame* PacketLoad::frame_of(size_t length) const {
  for (const auto& [octets, frame] : by_length_)
    if (octets == length) return frame;
  return nullptr;
}

void PacketLoad::look(buf::Packet& p, buf::Batch& others, Instant now) {
  const Frame* f = p.contiguous() ? frame_of(p.size()) : nullptr;
  Stamp stamp;
  const auto verdict = f == nullptr ? Frame::Verdict::Strange : f->look(p.bytes(), stamp);
  if (verdict == Frame::Verdict::Ours) return arrived(stamp, p.size(), now);
  if (verdict == Frame::Verdict::Damaged) return tally.corrupted.add();
  if (!keeps_the_link(p.bytes())) tally.strange.add();
  others.push(std::move(p));
}

void PacketLoad::arrived(const Stamp& stamp, size_t octets, Instant now) {
  const size_t which = stamp.flow >> way_bit;
  const uint32_t flow = stamp.flow & ~(1u << way_bit);
  if (which >= ways_.size() || flow >= plan_.flows) return tally.strange.add();
  Way& w = ways_[which];
  const auto verdict = w.seen[flow].see(stamp.number);
  if (uint64_t{stamp.number} * plan_.flows + flow < w.counted) return;  // of the warm-up
  if (verdict == Sequence::Verdict::Duplicate) return tally.duplicated.add();
  if (verdict != Sequence::Verdict::InOrder) tally.reordered.add();
  tally.received.add();
  tally.octets.add(octets);
  tally.latency.record(now.ns > stamp.time ? now.ns - stamp.time : 0);
}

// How many packets the schedule wants that were not yet made. Who is far behind gives places up: a burst to
// catch up with would be another load than the one asked for.
uint64_t PacketLoad::due(Way& w, Instant now) const {
  if (plan_.rate == 0) return buf::burst_size;
  const uint64_t wanted = w.pace.due(now) - w.skipped;
  if (wanted <= w.made) return 0;
  constexpr uint64_t patience = 4 * buf::burst_size;
  const uint64_t behind = wanted - w.made;
  if (behind > patience) w.skipped += behind - patience;
  return std::min<uint64_t>(behind, buf::burst_size);
}

size_t PacketLoad::send(size_t which, Instant now) {
  Way& w = ways_[which];
  if (w.waiting.empty()) {
    const auto n = static_cast<unsigned>(due(w, now));
    if (n == 0 || !take(pool_, w.waiting, n)) return 0;
    const Sources& sources = legs_[w.plan.out].sources;
    const auto flows = plan_.flows;
    auto flow = static_cast<uint32_t>(w.made % flows);
    auto number = static_cast<uint32_t>(w.made / flows);
    auto size = w.made % w.frames.size();
    for (buf::Packet& p : w.waiting) {
      const Frame& f = w.frames[size];
      const auto port = static_cast<uint16_t>(Sources::first_port + flow / sources.count() % Sources::ports);
      f.write(p.append(f.length()),
              {sources.address(flow), w.plan.targets.at(flow), {port}, plan_.target_port},
              {static_cast<uint32_t>(which) << way_bit | flow, number, now.ns});
      if (++flow == flows) flow = 0, ++number;
      if (++size == w.frames.size()) size = 0;
    }
    w.made += n;
    tally.offered.add(n);
  }
  const size_t before = w.waiting.size();
  legs_[w.plan.out].port->offer(w.waiting);
  const size_t taken = before - w.waiting.size();
  tally.sent.add(taken);
  return taken;
}

}  // namespace sluice::load
