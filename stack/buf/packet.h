// SPDX-License-Identifier: Apache-2.0
// A move-only owner of one packet (an mbuf chain), and the burst that is the unit of work. Where the headers
// lie is kept in the mbuf's own l2_len/l3_len/l4_len, which is also what checksum and segmentation offload
// read.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "base/static_vec.h"

namespace sluice::buf {

enum class RxChecksum : uint8_t { Unknown, Good, Bad };  // what the device says of a received checksum

class Packet {
 public:
  Packet() = default;
  // Takes ownership of the chain; null is an empty Packet.
  explicit Packet(rte_mbuf* m) : m_{m} {}
  Packet(Packet&& o) noexcept : m_{std::exchange(o.m_, nullptr)} {}
  Packet& operator=(Packet&& o) noexcept {
    std::swap(m_, o.m_);
    return *this;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() {
    if (m_ != nullptr) rte_pktmbuf_free(m_);
  }

  explicit operator bool() const { return m_ != nullptr; }
  rte_mbuf* raw() const { return m_; }
  rte_mbuf* release() { return std::exchange(m_, nullptr); }

  // The first segment: every header we read lies in it (link::input makes sure).
  uint8_t* data() const { return rte_pktmbuf_mtod(m_, uint8_t*); }
  MutBytes bytes() const { return {data(), m_->data_len}; }
  uint32_t size() const { return m_->pkt_len; }  // octets of all segments
  bool contiguous() const { return m_->nb_segs == 1; }
  size_t headroom() const { return rte_pktmbuf_headroom(m_); }
  size_t tailroom() const { return rte_pktmbuf_tailroom(m_); }

  // Octets from the start of the first segment: l2 0..127, l3 0..511, l4 0..255 (the mbuf's field widths).
  void headers(uint8_t l2, uint16_t l3, uint8_t l4) {
    m_->tx_offload = rte_mbuf_tx_offload(l2, l3, l4, 0, 0, 0, 0);  // one store
  }
  void l2_len(uint8_t n) { m_->l2_len = n; }  // leaves the other lengths and the segment size as they are
  void l3_len(uint16_t n) { m_->l3_len = n; }
  size_t l2_len() const { return m_->l2_len; }
  size_t l3_len() const { return m_->l3_len; }
  size_t l4_len() const { return m_->l4_len; }
  MutBytes l3() const { return bytes().subspan(l2_len()); }
  MutBytes l4() const { return bytes().subspan(l2_len() + l3_len()); }

  // Room for n more octets in front; null when the headroom is too small.
  uint8_t* prepend(uint16_t n) { return reinterpret_cast<uint8_t*>(rte_pktmbuf_prepend(m_, n)); }
  // n more octets at the end, uninitialised; null when the last segment has no room.
  uint8_t* append(uint16_t n) { return reinterpret_cast<uint8_t*>(rte_pktmbuf_append(m_, n)); }
  // n octets fewer in front, n within the first segment.
  void drop_front(uint16_t n) { rte_pktmbuf_adj(m_, n); }
  // Takes the frame's header off a received packet, and all that reception left behind, so that it can be
  // sent on: what headers(), drop_front() and reset_offloads() do, for the packets that pass.
  void without_l2() {
    const auto n = static_cast<uint16_t>(m_->l2_len);
    m_->data_off = static_cast<uint16_t>(m_->data_off + n);
    m_->data_len = static_cast<uint16_t>(m_->data_len - n);
    m_->pkt_len -= n;
    headers(0, static_cast<uint16_t>(m_->l3_len), 0);
    reset_offloads();
  }
  // Makes a contiguous packet exactly n octets long; n must not exceed size().
  void truncate(uint32_t n) {
    m_->pkt_len = n;
    m_->data_len = static_cast<uint16_t>(n);
  }
  // Takes octets off the end of a chain, so that n are left; false when that is more than its last segment.
  bool trim(uint32_t n) { return rte_pktmbuf_trim(m_, static_cast<uint16_t>(m_->pkt_len - n)) == 0; }
  // Parts the first segment from all behind it, which it returns; nothing when there was one.
  Packet split() {
    rte_mbuf* rest = m_->next;
    if (rest == nullptr) return {};
    rest->nb_segs = static_cast<uint16_t>(m_->nb_segs - 1);
    rest->pkt_len = m_->pkt_len - m_->data_len;
    m_->next = nullptr;
    m_->nb_segs = 1;
    m_->pkt_len = m_->data_len;
    return Packet{rest};
  }
  // Copies all segments into the first; false when they do not fit.
  bool linearize() { return rte_pktmbuf_linearize(m_) == 0; }

  // In one of the few buffers that hold a datagram of any length (PacketPool::alloc_large): to be gone by the
  // end of the turn.
  static constexpr uint16_t large_room = UINT16_MAX;
  bool large() const { return m_->buf_len == large_room; }

  // Of a fragment in transit: the ports of its flow, the source's in the upper half, told by whoever saw the
  // first fragment. They travel with the packet from worker to worker; reset_offloads() forgets them.
  bool knows_flow() const { return (m_->ol_flags & RTE_MBUF_F_RX_FDIR_ID) != 0; }
  uint32_t flow_ports() const { return m_->hash.fdir.hi; }
  void flow_ports(uint32_t ports) {
    m_->hash.fdir.hi = ports;
    m_->ol_flags |= RTE_MBUF_F_RX_FDIR_ID;
  }

  uint16_t ingress() const { return m_->port; }  // index of the port it came in by
  void ingress(uint16_t port) { m_->port = port; }

  RxChecksum rx_ip_checksum() const {
    return verdict(m_->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
                   RTE_MBUF_F_RX_IP_CKSUM_BAD);
  }
  RxChecksum rx_l4_checksum() const {
    const uint64_t flags = m_->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    // "None": the sender left it to its device, and no wire lay between where octets could change.
    if (flags == RTE_MBUF_F_RX_L4_CKSUM_NONE) return RxChecksum::Good;
    return verdict(flags, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_BAD);
  }
  // Nothing is known of the checksums from here on.
  void forget_rx_checksums() { m_->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK); }
  // How many octets of text each of the segments had of which the device made this one, or that the sender
  // never cut; 0: it is as it was sent.
  uint16_t rx_merged() const { return (m_->ol_flags & RTE_MBUF_F_RX_LRO) != 0 ? m_->tso_segsz : uint16_t{0}; }
  // The VLAN tag that the device took off a received frame: its TCI (IEEE 802.1Q §9.6).
  bool vlan_stripped() const { return (m_->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0; }
  uint16_t vlan_tci() const { return m_->vlan_tci; }
  void forget_vlan() { m_->ol_flags &= ~(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED); }
  // The device shall put a tag of type 0x8100 in front; the caller knows that it can.
  void offload_vlan(uint16_t tci) {
    m_->vlan_tci = tci;
    request(RTE_MBUF_F_TX_VLAN);
  }

  // Forgets what reception left behind; to be called before a received packet is sent again.
  void reset_offloads() { m_->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL; }
  void request(uint64_t rte_tx_flags) { m_->ol_flags |= rte_tx_flags; }
  void segment_size(uint16_t mss) { m_->tso_segsz = mss; }  // with a request for TCP segmentation

  // What the device shall do for a packet whose header lengths are set. The caller knows that it can
  // (PortCaps), left IPv4's header checksum 0, and put the sum of the pseudo-header into the transport's
  // field. `v4`: the family.
  void offload_ip4_checksum() { request(RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM); }
  void offload_tcp_checksum(bool v4 = true) { request(family(v4) | RTE_MBUF_F_TX_TCP_CKSUM); }
  void offload_udp_checksum(bool v4 = true) { request(family(v4) | RTE_MBUF_F_TX_UDP_CKSUM); }
  // Implies TCP's checksum; the pseudo-header is summed with length 0.
  void offload_tcp_segmentation(uint16_t mss, bool v4 = true) {
    request(family(v4) | RTE_MBUF_F_TX_TCP_SEG);
    segment_size(mss);
  }

  // Copies octets from `offset` on; there are as many as `out` takes.
  void copy(uint32_t offset, MutBytes out) const {
    const void* at = rte_pktmbuf_read(m_, offset, static_cast<uint32_t>(out.size()), out.data());
    if (at != out.data()) std::memcpy(out.data(), at, out.size());
  }

  // Calls f(Bytes) on each segment, in order.
  template <class F>
  void for_each_segment(F&& f) const {
    for (const rte_mbuf* m = m_; m != nullptr; m = m->next)
      f(Bytes{rte_pktmbuf_mtod(m, const uint8_t*), m->data_len});
  }

 private:
  static RxChecksum verdict(uint64_t flags, uint64_t good, uint64_t bad) {
    if (flags == good) return RxChecksum::Good;
    return flags == bad ? RxChecksum::Bad : RxChecksum::Unknown;
  }
  static constexpr uint64_t family(bool v4) { return v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6; }
  rte_mbuf* m_ = nullptr;
};
static_assert(sizeof(Packet) == sizeof(void*));

constexpr size_t burst_size = 64;
using Batch = StaticVec<Packet, burst_size>;

// Calls f on each element, its data prefetched a few elements ahead.
template <class F>
void for_each_ahead(Batch& b, F&& f) {
  constexpr size_t ahead = 4;
  for (size_t i = 0; i < b.size(); ++i) {
    if (i + ahead < b.size()) prefetch(b[i + ahead].data());
    f(b[i]);
  }
}

}  // namespace sluice::buf
