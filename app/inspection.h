// SPDX-License-Identifier: Apache-2.0
// A look at a worker's TCP connections from another thread. The asker leaves a question, the worker answers
// it between two bursts, a bounded part a turn; nobody waits for a lock, and while nobody asks it costs the
// worker one load a turn.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "tcp/tcp.h"

namespace sluice::app {

class Inspection {
 public:
  struct Question {
    uint32_t from = 0;             // the first place to be looked at
    uint32_t places = UINT32_MAX;  // how many
    uint32_t rows = 1;             // how many are told
    std::optional<tcp::State> state;
    std::optional<IpAddr> remote;
    std::optional<Port> port;  // local
  };
  struct Row {
    uint32_t place;
    uint16_t service;
    Tuple tuple;
    tcp::Info info;
  };
  struct Answer {
    std::vector<Row> rows;
    uint32_t next = no_index;  // where to go on; no_index: there is no more
  };

  // Any thread, one at a time; `wake` makes the worker look here. Nothing when it did not answer in time: it
  // has ended, or is still at it.
  template <class Wake>
  std::optional<Answer> ask(const Question& q, std::chrono::milliseconds patience, Wake&& wake) {
    const auto until = std::chrono::steady_clock::now() + patience;
    if (!put(q, until)) return std::nullopt;
    wake();
    return take(until);
  }

  // The worker: a part of the answer, if there is a question. True: there was.
  bool answer(const tcp::Tcp& room) {
    if (state_.load(std::memory_order_acquire) != State::Asked) return false;
    look(room);
    return true;
  }

 private:
  enum class State : uint8_t { Free, Asked, Answered };
  static constexpr uint32_t places_a_turn = 256;
  using Moment = std::chrono::steady_clock::time_point;

  bool put(const Question&, Moment until);
  std::optional<Answer> take(Moment until);
  void look(const tcp::Tcp&);

  // Who may touch the rest: the asker, but while Asked the worker.
  std::atomic<State> state_{State::Free};
  Question question_;
  Answer answer_;
};

}  // namespace sluice::app
