// SPDX-License-Identifier: Apache-2.0
// A port that costs next to nothing: packets to be received are made beforehand, sent ones are kept for the
// bench to look at. What is measured through it is the stack without a driver.
#pragma once

#include <deque>
#include <vector>

#include "buf/port.h"

namespace sluice::perf {

class BenchPort final : public buf::NetPort {
 public:
  // `burst`: packets a reception gives at most.
  explicit BenchPort(size_t burst) : burst_{burst} {
    waiting_.reserve(4096);
    sent_.reserve(4096);
  }

  void give(buf::Packet&& p) { waiting_.push_back(std::move(p)); }
  bool idle() const { return taken_ == waiting_.size(); }
  std::vector<buf::Packet>& sent() { return sent_; }

  void rx(buf::Batch& in) override {
    for (size_t n = 0; n < burst_ && taken_ != waiting_.size(); ++n) in.push(std::move(waiting_[taken_++]));
    if (taken_ == waiting_.size()) waiting_.clear(), taken_ = 0;
  }
  void tx(buf::Batch& out) override {
    for (buf::Packet& p : out) sent_.push_back(std::move(p));
    out.clear();
  }

 private:
  size_t burst_;
  size_t taken_ = 0;
  std::vector<buf::Packet> waiting_, sent_;
};

}  // namespace sluice::perf
