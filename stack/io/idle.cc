// SPDX-License-Identifier: Apache-2.0
#include "io/idle.h"

#include <poll.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "io/dpdk_log.h"

namespace sluice::io {
namespace {

// Edge-triggered: an eventfd's count need not be read, and of a tap's descriptor nothing must be read, for
// what one reads there is a packet.
bool add(int epoll, int fd) {
  epoll_event e{};
  e.events = EPOLLIN | EPOLLET;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

}  // namespace

Idle::Idle(IdleMode mode, Waker& waker, Counters& count)
    : policy_{idle_policy(mode)},
      waker_{waker},
      count_{count},
      epoll_{epoll_create1(EPOLL_CLOEXEC)},
      next_sleep_{policy_.first_sleep} {
  check(epoll_ >= 0 && add(epoll_, waker.descriptor()), "the kernel has an epoll for us");
}

Idle::~Idle() { close(epoll_); }

void Idle::watch(const Device& device, uint16_t queue) {
  const DpdkLog log;  // a driver without interrupts says so loudly
  const int fd = device.info().rx_interrupt ? rte_eth_dev_rx_intr_ctl_q_get_fd(device.id(), queue) : -1;
  if (fd < 0 || !add(epoll_, fd)) {
    all_tell_ = false;
    return;
  }
  // A tap's descriptor tells always; its driver has no interrupt to enable.
  const int enabled = rte_eth_dev_rx_intr_enable(device.id(), queue);
  if (enabled == 0) rte_eth_dev_rx_intr_disable(device.id(), queue);
  if (enabled != 0 && enabled != -ENOTSUP) {
    all_tell_ = false;
    return;
  }
  queues_.push_back({device.id(), queue, enabled == 0});
}

void Idle::rest(bool worked, Instant now, Instant deadline) {
  if (last_.ns != 0) {
    const auto spent = static_cast<uint64_t>((now - last_).ns);
    count_.add(last_worked_ ? Counter::io_busy_ns : Counter::io_idle_ns, spent);
  }
  last_ = now;
  last_worked_ = worked;
  if (worked || quiet_since_.ns == 0) {
    quiet_since_ = now;
    next_sleep_ = policy_.first_sleep;
    if (armed_) disarm();
    return;
  }
  if (now - quiet_since_ < policy_.spin) return rte_pause();
  if (!armed_) return arm();
  const Duration most = all_tell_ ? policy_.most_told : policy_.most_untold;
  next_sleep_ = std::min(next_sleep_, most);
  const Duration until = deadline == Instant::never() ? most : deadline - now;
  if (until.ns <= 0) return disarm();
  // Where all tell, there is no reason to come back before something happens.
  sleep(std::min(until, all_tell_ ? most : next_sleep_));
  next_sleep_ = next_sleep_ * 2;
}

void Idle::arm() {
  armed_ = true;
  waker_.sleeping(true);
  for (const Queue& q : queues_)
    if (q.enable) rte_eth_dev_rx_intr_enable(q.device, q.queue);
}

void Idle::disarm() {
  armed_ = false;
  waker_.sleeping(false);
  for (const Queue& q : queues_)
    if (q.enable) rte_eth_dev_rx_intr_disable(q.device, q.queue);
}

void Idle::sleep(Duration most) {
  // The kernel may round a thread's sleeps up by 50 us unless asked not to; a short one would be twice as
  // long.
  if (!exact_) prctl(PR_SET_TIMERSLACK, 1000UL);
  exact_ = true;
  // An epoll set can itself be polled, and ppoll takes nanoseconds where epoll_wait takes milliseconds.
  pollfd p{epoll_, POLLIN, 0};
  const timespec t{most.ns / 1'000'000'000, most.ns % 1'000'000'000};
  const int ready = ppoll(&p, 1, &t, nullptr);
  count_.add(Counter::io_sleeps);
  if (ready > 0) {
    epoll_event events[16];
    epoll_wait(epoll_, events, 16, 0);  // takes the edges, so that the next sleep waits for new ones
    count_.add(Counter::io_wakeups);
  }
  disarm();
}

}  // namespace sluice::io
