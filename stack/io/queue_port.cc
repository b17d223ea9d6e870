// SPDX-License-Identifier: Apache-2.0
#include "io/queue_port.h"

#include <rte_ethdev.h>

namespace sluice::io {

using buf::Packet;

namespace {

// Whether the device is asked for something, which its driver must see before the burst.
bool asks(uint64_t mbuf_flags) { return (mbuf_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) != 0; }

}  // namespace

QueuePort::QueuePort(const Device& device, uint16_t queue, uint16_t index, Counters& count)
    : device_{device.id()},
      queue_{queue},
      index_{index},
      rx_burst_{device.rx_burst()},
      frame_most_{device.caps().mtu + 22u},  // Ethernet header and two VLAN tags
      chains_{device.caps().tx_multi_segment},
      lacp_{device.info().bond_lacp},
      count_{count} {}

void QueuePort::rx(buf::Batch& in) {
  rte_mbuf* got[buf::burst_size];
  // Its own frames leave only with ours, and must when there are none: IEEE 802.1AX's timers run out.
  if (lacp_) rte_eth_tx_burst(device_, queue_, nullptr, 0);
  const uint16_t n = rte_eth_rx_burst(device_, queue_, got, rx_burst_);
  if (n == 0) return;
  uint64_t octets = 0;
  for (uint16_t i = 0; i < n; ++i) {
    got[i]->port = index_;
    octets += got[i]->pkt_len;
    in.push(Packet{got[i]});
  }
  count_.add(Counter::io_rx_packets, n);
  count_.add(Counter::io_rx_octets, octets);
}

void QueuePort::tx(buf::Batch& out) {
  if (out.empty()) return;
  rte_mbuf* send[buf::burst_size];
  uint16_t n = 0;
  uint64_t octets = 0, flags = 0;
  for (Packet& p : out) {
    const bool cut = (p.raw()->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
    if (p.size() > frame_most_ && !cut) {
      count_.add(Counter::io_tx_oversize);
    } else if (!p.contiguous() && !chains_ && !p.linearize()) {
      count_.add(Counter::io_tx_chain);
    } else {
      octets += p.size();
      flags |= p.raw()->ol_flags;
      send[n++] = p.release();
    }
  }
  out.clear();

  uint16_t sent = 0;
  while (sent < n) {
    uint16_t ready = static_cast<uint16_t>(n - sent);
    if (asks(flags)) ready = rte_eth_tx_prepare(device_, queue_, send + sent, ready);
    const uint16_t taken = ready == 0 ? uint16_t{0} : rte_eth_tx_burst(device_, queue_, send + sent, ready);
    sent = static_cast<uint16_t>(sent + taken);
    if (taken != 0) continue;
    if (ready != 0) break;
    // The head packet asks for what the device cannot do; the others need not suffer.
    octets -= send[sent]->pkt_len;
    rte_pktmbuf_free(send[sent]);
    count_.add(Counter::io_tx_refused);
    for (uint16_t i = sent; i + 1 < n; ++i) send[i] = send[i + 1];
    --n;
  }
  if (sent < n) {
    for (uint16_t i = sent; i < n; ++i) octets -= send[i]->pkt_len;
    rte_pktmbuf_free_bulk(send + sent, static_cast<unsigned>(n - sent));
    count_.add(Counter::io_tx_full, static_cast<uint64_t>(n - sent));
  }
  count_.add(Counter::io_tx_packets, sent);
  count_.add(Counter::io_tx_octets, octets);
}

// What the device cannot take for another reason than room goes through tx(), which knows what to do with it.
void QueuePort::offer(buf::Batch& out) {
  rte_mbuf* send[buf::burst_size];
  uint32_t size[buf::burst_size];
  uint16_t n = 0;
  for (const Packet& p : out) {
    if (asks(p.raw()->ol_flags) || p.size() > frame_most_ || (!p.contiguous() && !chains_)) return tx(out);
    size[n] = p.size();
    send[n++] = p.raw();
  }
  const uint16_t taken = n == 0 ? uint16_t{0} : rte_eth_tx_burst(device_, queue_, send, n);
  if (taken == 0) return;
  uint64_t octets = 0;
  for (uint16_t i = 0; i < taken; ++i) {
    octets += size[i];
    (void)out[i].release();
  }
  count_.add(Counter::io_tx_packets, taken);
  count_.add(Counter::io_tx_octets, octets);
  if (taken == n) return out.clear();
  buf::Batch rest;
  for (uint16_t i = taken; i < n; ++i) rest.push(std::move(out[i]));
  out = std::move(rest);
}

}  // namespace sluice::io
