// SPDX-License-Identifier: Apache-2.0
#include "io/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace sluice::io {

Waker::Waker() : fd_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
  check(fd_ >= 0, "the kernel has an eventfd for us");
}

Waker::~Waker() { close(fd_); }

void Waker::signal() const {
  // Fails only when the counter is at its end, and then the sleeper has long been told.
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(fd_, &one, sizeof one);
}

}  // namespace sluice::io
