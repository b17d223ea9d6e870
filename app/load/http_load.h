// SPDX-License-Identifier: Apache-2.0
// HTTP over many connections: closed loop (each connection asks again when it was answered) or open loop (a
// rate; latency counts from the moment a request was due). What comes is checked: status, every octet, and
// where a response ends. Knows no device and no clock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/load/host.h"
#include "app/load/load.h"
#include "app/load/pace.h"
#include "app/load/reference.h"
#include "app/load/sources.h"
#include "base/lines.h"
#include "http/h1_client.h"

namespace sluice::load {

struct HttpPlan {
  IpAddr server;
  Port port{80};
  std::string authority, target;  // of the URL
  uint64_t upload = 0;            // octets to send with each request; 0: GET
  uint32_t connections = 1;
  uint32_t requests = 0;  // per connection; 0: no end
  uint32_t pipeline = 1;  // requests on their way per connection
  double rate = 0;        // requests a second, all together; 0: closed loop
  uint16_t expect_status = 200;
  Reference reference;          // unknown: the first response is it
  bool hold = false;            // open the connections and keep them idle
  uint32_t opening_most = 128;  // handshakes under way at once
  Duration timeout = 10_s;      // for an answer, and for a handshake
};

// Connections that TCP must have room for; the rest are those about to be forgotten.
uint32_t tcp_connections(const HttpPlan&);

class HttpLoad : public Load {
 public:
  // The host's TCP has tcp_connections() slots and is this load's alone; it outlives the load.
  HttpLoad(HttpPlan, Sources, Host&);
  ~HttpLoad() override;

  size_t turn(Instant now) override;
  bool ready(Instant now) override;
  std::string missing() const override;
  void start(Instant now) override;
  void measure(Instant now) override;
  void stop(Instant now) override;
  bool drained() const override { return true; }
  bool leave(Instant now) override;

  uint32_t standing() const { return standing_; }               // connections that are open now
  uint32_t held() const { return held_; }                       // that were open at stop()
  Duration opening_time() const { return all_open_ - begun_; }  // what it took until all were
  const std::string& trouble() const { return trouble_; }       // the last one, in words

 private:
  enum class Phase : uint8_t { Learning, Opening, Running, Stopped };
  enum class State : uint8_t { Away, Opening, Open, Ending };

  // One caller: a connection at a time.
  struct User {
    http::H1Client http;
    buf::StreamId stream;
    Instant moved;           // when its connection last got ahead
    uint64_t content = 0;    // octets of the current response so far
    uint64_t body_left = 0;  // octets of the last request's body still to be written
    uint32_t asked = 0;      // requests begun on this connection
    uint32_t orders = 0;     // requests assigned and not yet begun
    uint32_t oldest = 0;     // place in the ring of moments
    State state = State::Away;
    bool fits = true;     // the current response so far
    bool listed = false;  // in idle_
    bool late = false;    // its time is over
  };

  void open_some(Instant now);
  bool open(uint32_t u, Instant now);
  void order_due(Instant now);
  void sweep(Instant now);
  void on_stream(buf::Stream&, Instant now);
  bool read(uint32_t u, buf::Stream&, Instant now);
  void on_head(User&);
  void on_content(User&);
  void on_done(uint32_t u, Instant now);
  void write(User&, buf::Stream&, Instant now);
  void end(User&, buf::Stream&);
  void gone(uint32_t u);
  void lose(User&, Fault why);

  bool wants_more(const User&) const;
  void assign(uint32_t u, Instant moment);
  void list_idle(uint32_t u);
  Instant& moment(uint32_t u, uint32_t n) { return moments_[size_t{u} * depth_ + n % depth_]; }
  bool counting() const { return phase_ == Phase::Running; }
  bool open_loop() const { return plan_.rate != 0; }
  bool fresh() const { return plan_.requests == 1; }  // a connection for each request

  HttpPlan plan_;
  Sources sources_;
  Host& host_;
  uint32_t depth_;
  Phase phase_;
  std::vector<User> users_;
  std::vector<uint32_t> user_of_;  // [StreamId::index]
  std::vector<Instant> moments_;   // [user], a ring of depth_: when requests assigned and under way were due
  std::vector<uint32_t> away_;     // users that shall have a connection and have none
  std::vector<uint32_t> idle_;     // open loop: users that may take an order; a ring
  size_t idle_first_ = 0, idle_count_ = 0;
  uint32_t opening_ = 0, standing_ = 0, held_ = 0, swept_ = 0;
  Pace pace_;
  uint64_t ordered_ = 0, due_before_ = 0;  // requests assigned; due before the measurement began
  Instant begun_, all_open_, next_sweep_, retry_;
  std::string trouble_;
  http::Options http_options_;
  http::KnownHead known_;
  std::vector<uint8_t> scratch_;
  std::unique_ptr<buf::ContentMemory> request_memory_, body_memory_;
  LineVector<buf::Chunk> request_, body_;
};

}  // namespace sluice::load
