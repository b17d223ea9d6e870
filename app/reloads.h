// SPDX-License-Identifier: Apache-2.0
// How reloads went, for metrics.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::app {

class Reloads {
 public:
  void count(bool done) {
    (done ? done_ : failed_).fetch_add(1);
    last_.store(done);
  }
  uint64_t done() const { return done_.load(); }
  uint64_t failed() const { return failed_.load(); }
  // The file that was read last holds.
  bool last() const { return last_.load(); }

 private:
  std::atomic<uint64_t> done_{0}, failed_{0};
  std::atomic<bool> last_{true};
};

}  // namespace sluice::app
