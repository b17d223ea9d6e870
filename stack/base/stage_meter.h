// SPDX-License-Identifier: Apache-2.0
// Where a worker's cycles go, stage by stage of a burst's journey; switched on and off while it runs. Off, a
// stage costs a test of a value in the worker's cache. Reads no clock: whoever makes the meter hands one in.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice {

// In the order of the journey. A stage that calls another stops counting meanwhile.
enum class Stage : uint8_t {
  Rest,       // what no other stage claims: the loop between two turns, sleep included
  EmptyPoll,  // asking a port that had nothing
  Rx,
  Link,
  Ip,
  Icmp,  // and errors that others asked for
  Forward,
  Udp,
  Dns,
  TcpIn,
  Timers,
  Services,
  TcpOut,
  IpOut,
  LinkOut,
  Tx,
};
constexpr size_t stage_count = 16;

// For metrics: "rx", "tcp_in".
constexpr const char* name_of(Stage s) {
  constexpr const char* names[] = {"rest",    "empty_poll", "rx",       "link",   "ip",     "icmp",
                                   "forward", "udp",        "dns",      "tcp_in", "timers", "services",
                                   "tcp_out", "ip_out",     "link_out", "tx"};
  static_assert(sizeof names / sizeof *names == stage_count);
  return names[static_cast<size_t>(s)];
}

// Owned by one worker. Other threads may switch it and read it at any time.
class StageMeter {
 public:
  using Ticks = uint64_t (*)();  // a counter that only grows
  struct Value {
    uint64_t ticks = 0;
    uint64_t calls = 0;  // times the stage was entered
    uint64_t items = 0;  // packets, datagrams, segments or streams it was given
  };

  explicit StageMeter(Ticks ticks) : ticks_{ticks} {}

  // Any thread; the worker obeys with its next turn.
  void switch_on(bool on) { wanted_.store(on, std::memory_order_relaxed); }
  bool switched_on() const { return wanted_.load(std::memory_order_relaxed); }
  // Any thread: a recent value.
  Value operator[](Stage s) const {
    const Cell& c = cells_[static_cast<size_t>(s)];
    return {c.ticks.load(std::memory_order_relaxed), c.calls.load(std::memory_order_relaxed),
            c.items.load(std::memory_order_relaxed)};
  }

  // The worker, at the start of each turn.
  void turn() {
    const bool wanted = switched_on();
    if (wanted && !on_) since_ = ticks_();
    if (!wanted && on_) charge();
    on_ = wanted;
    stage_ = Stage::Rest;
  }

  // The worker is in a stage for as long as this lives, then again in the one it came from.
  class In {
   public:
    // No meter: nothing is measured.
    In(StageMeter* meter, Stage s, size_t items = 0)
        : meter_{meter != nullptr && meter->on_ ? meter : nullptr} {
      if (meter_ != nullptr) [[unlikely]]
        before_ = meter_->enter(s, items);
    }
    ~In() {
      if (meter_ != nullptr) [[unlikely]]
        meter_->leave(before_);
    }
    In(const In&) = delete;
    In& operator=(const In&) = delete;
    // So many more, when their number was not known before.
    void more(size_t items) {
      if (meter_ != nullptr) [[unlikely]]
        add(meter_->cell(meter_->stage_).items, items);
    }
    // It was another stage all the time since the last change.
    void rather(Stage s, size_t items) {
      if (meter_ != nullptr) [[unlikely]]
        meter_->rename(s, items);
    }

   private:
    StageMeter* meter_;
    Stage before_{};
  };

 private:
  struct Cell {
    std::atomic<uint64_t> ticks{0}, calls{0}, items{0};
  };
  // One writer, so no lock prefix.
  static void add(std::atomic<uint64_t>& v, uint64_t n) {
    v.store(v.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  Cell& cell(Stage s) { return cells_[static_cast<size_t>(s)]; }

  void charge() {
    const uint64_t now = ticks_();
    add(cell(stage_).ticks, now - since_);
    since_ = now;
  }
  [[gnu::noinline]] Stage enter(Stage s, size_t items) {
    charge();
    add(cell(s).calls, 1);
    add(cell(s).items, items);
    const Stage before = stage_;
    stage_ = s;
    return before;
  }
  [[gnu::noinline]] void leave(Stage before) {
    charge();
    stage_ = before;
  }
  [[gnu::noinline]] void rename(Stage s, size_t items) {
    add(cell(stage_).calls, ~uint64_t{0});
    stage_ = s;
    add(cell(s).calls, 1);
    add(cell(s).items, items);
  }

  const Ticks ticks_;
  std::atomic<bool> wanted_{false};
  bool on_ = false;
  Stage stage_ = Stage::Rest;
  uint64_t since_ = 0;
  std::array<Cell, stage_count> cells_{};
};

}  // namespace sluice
