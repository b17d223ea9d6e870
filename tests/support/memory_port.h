// SPDX-License-Identifier: Apache-2.0
// A port without a device: frames to be received are put in as octets; frames sent are kept as octets, or
// arrive at a peer, as over a wire. Its device can chain packets and nothing else.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "base/check.h"
#include "buf/pool.h"
#include "buf/port.h"

namespace sluice::test {

class MemoryPort final : public buf::NetPort {
 public:
  // `pool` gives the packets of received frames, as it does to a device.
  explicit MemoryPort(buf::PacketPool& pool) : pool_{pool} {}

  // What one of the two sends, the other receives.
  void connect(MemoryPort& o) { peer_ = &o, o.peer_ = this; }
  void arrive(std::vector<uint8_t> frame) { arrived_.push_back(std::move(frame)); }
  bool idle() const { return arrived_.empty(); }
  // What was sent since the last time; nothing when there is a peer.
  std::deque<std::vector<uint8_t>> take_sent() { return std::exchange(sent_, {}); }
  size_t lost() const { return lost_; }  // frames for which there was no packet

  // What is passed on is another worker's from now on: kept, with the ports a fragment learnt (0: none).
  struct Passed {
    std::vector<uint8_t> frame;
    uint32_t ports;
  };
  void all_is_others() { others_ = true; }
  std::vector<Passed> take_passed() { return std::exchange(passed_, {}); }
  bool pass_on(buf::Packet& p) override {
    if (!others_) return false;
    passed_.push_back({{p.bytes().begin(), p.bytes().end()}, p.knows_flow() ? p.flow_ports() : 0});
    p = buf::Packet{};
    return true;
  }

  void rx(buf::Batch& in) override {
    for (; !arrived_.empty() && !in.full(); arrived_.pop_front()) {
      buf::Packet p = pool_.alloc();
      const std::vector<uint8_t>& frame = arrived_.front();
      uint8_t* room = p ? p.append(static_cast<uint16_t>(frame.size())) : nullptr;
      if (room == nullptr) {
        ++lost_;
        continue;
      }
      std::copy(frame.begin(), frame.end(), room);
      in.push(std::move(p));
    }
  }
  void tx(buf::Batch& out) override {
    for (const buf::Packet& p : out) {
      check((p.raw()->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) == 0, "no offload is asked of a device without");
      std::vector<uint8_t> frame;
      frame.reserve(p.size());
      p.for_each_segment([&](Bytes b) { frame.insert(frame.end(), b.begin(), b.end()); });
      check(frame.size() == p.size(), "the segments are as long as the packet says");
      (peer_ != nullptr ? peer_->arrived_ : sent_).push_back(std::move(frame));
    }
    out.clear();
  }

 private:
  buf::PacketPool& pool_;
  MemoryPort* peer_ = nullptr;
  std::deque<std::vector<uint8_t>> arrived_;
  std::deque<std::vector<uint8_t>> sent_;
  size_t lost_ = 0;
  bool others_ = false;
  std::vector<Passed> passed_;
};

}  // namespace sluice::test
