// SPDX-License-Identifier: Apache-2.0
#include "buf/byte_queue.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace sluice::buf {

LinkPool::LinkPool(uint32_t count) : links_(count) {
  for (Link& l : links_) give(&l);
}

LinkPool::Link* LinkPool::take() {
  if (free_ == nullptr) return nullptr;
  Link* l = std::exchange(free_, free_->next);
  l->next = nullptr;
  --free_count_;
  return l;
}

void LinkPool::give(Link* l) {
  if (l->slice.mbuf() != nullptr) --packets_;
  l->slice = Slice{};
  l->next = std::exchange(free_, l);
  ++free_count_;
}

bool ByteQueue::push(Slice&& slice) {
  if (slice.empty()) {
    slice = Slice{};  // gives the owner back now, not when the caller's variable dies
    return true;
  }
  LinkPool::Link* l = pool_->take();
  if (l == nullptr) return false;
  size_ += slice.size();
  ++slices_;
  if (slice.mbuf() != nullptr) ++pool_->packets_;
  l->slice = std::move(slice);
  if (tail_ != nullptr)
    tail_->next = l;
  else
    head_ = l;
  tail_ = l;
  return true;
}

void ByteQueue::consume(size_t n) {
  size_ -= static_cast<uint32_t>(n);
  while (n != 0) {
    const size_t here = head_->slice.size();
    if (n < here) {
      head_->slice.drop_front(static_cast<uint32_t>(n));
      return;
    }
    n -= here;
    LinkPool::Link* dead = std::exchange(head_, head_->next);
    pool_->give(dead);
    --slices_;
  }
  if (head_ == nullptr) tail_ = nullptr;
}

void ByteQueue::truncate(size_t n) {
  if (n == size_) return;
  ByteQueue kept{*pool_};
  while (kept.size_ < n) {  // links go from one to the other, so there are enough
    const auto left = static_cast<uint32_t>(n - kept.size_);
    Slice s = pop();
    if (s.size() > left) s.truncate(left);
    check(kept.push(std::move(s)), "a link that was given back is there");
  }
  *this = std::move(kept);
}

Slice ByteQueue::pop() {
  LinkPool::Link* dead = std::exchange(head_, head_->next);
  if (head_ == nullptr) tail_ = nullptr;
  Slice s = std::move(dead->slice);
  if (s.mbuf() != nullptr) --pool_->packets_;
  size_ -= s.size();
  --slices_;
  pool_->give(dead);
  return s;
}

void ByteQueue::append(ByteQueue& o) {
  if (o.head_ == nullptr) return;
  (tail_ == nullptr ? head_ : tail_->next) = o.head_;
  tail_ = std::exchange(o.tail_, nullptr);
  o.head_ = nullptr;
  size_ += std::exchange(o.size_, 0);
  slices_ += std::exchange(o.slices_, 0);
}

size_t ByteQueue::copy(size_t offset, MutBytes out) const {
  size_t done = 0;
  for_range(offset, out.size(), [&](const Slice& s, uint32_t at, uint32_t n) {
    std::memcpy(out.data() + done, s.bytes().data() + at, n);
    done += n;
  });
  return done;
}

size_t ByteQueue::octets_of(uint32_t n) const {
  size_t octets = 0;
  for (const auto* l = head_; l != nullptr && n != 0; l = l->next, --n) octets += l->slice.size();
  return octets;
}

void ByteQueue::clear() { consume(size_); }

}  // namespace sluice::buf
