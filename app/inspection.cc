// SPDX-License-Identifier: Apache-2.0
#include "app/inspection.h"

#include <thread>

namespace sluice::app {
namespace {

constexpr std::chrono::microseconds glance{200};  // between two looks of who waits

}  // namespace

bool Inspection::put(const Question& q, Moment until) {
  while (state_.load(std::memory_order_acquire) == State::Asked) {  // an asker before us went away
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(glance);
  }
  question_ = q;
  answer_ = {.rows = {}, .next = q.from};
  answer_.rows.reserve(q.rows);  // here, not on the worker
  state_.store(State::Asked, std::memory_order_release);
  return true;
}

std::optional<Inspection::Answer> Inspection::take(Moment until) {
  while (state_.load(std::memory_order_acquire) != State::Answered) {
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    std::this_thread::sleep_for(glance);
  }
  state_.store(State::Free, std::memory_order_relaxed);
  return std::move(answer_);
}

void Inspection::look(const tcp::Tcp& room) {
  const Question& q = question_;
  const uint32_t most = std::min(q.places, places_a_turn);
  const uint32_t next = room.show(answer_.next, most, [&](const tcp::Tcp::Shown& s) {
    if (q.state && s.conn.state() != *q.state) return true;
    if (q.remote && s.tuple.remote != *q.remote) return true;
    if (q.port && s.tuple.local_port != *q.port) return true;
    answer_.rows.push_back({s.id.index, s.service, s.tuple, s.conn.info()});
    return answer_.rows.size() < q.rows;
  });
  const uint32_t looked = next == no_index ? most : next - answer_.next;
  question_.places -= std::min(looked, question_.places);
  answer_.next = next;
  if (next == no_index || question_.places == 0 || answer_.rows.size() >= q.rows)
    state_.store(State::Answered, std::memory_order_release);
}

}  // namespace sluice::app
