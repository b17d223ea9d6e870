// SPDX-License-Identifier: Apache-2.0
// DPDK's environment: started once per process, before anything that holds packets, and ended after it.
// Leaves nothing on disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::io {

enum class Hugepages : uint8_t {
  automatic,  // when enough are free, else ordinary pages and a warning
  on,         // or fail
  off
};

struct EalOptions {
  std::vector<unsigned> cores;  // the CPU of each worker; several appliances may share one
  Hugepages hugepages = Hugepages::automatic;
  uint32_t memory_mb = 512;        // taken at start
  std::vector<std::string> pci;    // addresses of the NICs to take, as 0000:3b:00.0
  bool virtio_user = false;        // a port of that kind is wanted: its peer maps few memory files
  std::vector<std::string> extra;  // further EAL arguments, as they are
};

class Eal {
 public:
  // On failure !ok() and error() says what is wrong and what to type. The calling thread becomes the control
  // thread and may run on any CPU. One per process and, DPDK's limit, one in its life.
  explicit Eal(const EalOptions&);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  // What the user should know though all went well; one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  bool hugepages() const { return hugepages_; }
  size_t workers() const { return workers_; }

  // Runs f(arg) on worker k's core; f returns when the worker stops. False when the worker already runs.
  bool launch(size_t k, int (*f)(void*), void* arg);
  // Waits until worker k's function has returned.
  void join(size_t k);

  // The arguments for `options`, without the program's name; for tests and for messages.
  static std::vector<std::string> arguments(const EalOptions& options, bool hugepages);

 private:
  std::string start(const EalOptions&);

  std::string error_;
  std::vector<std::string> warnings_;
  std::string runtime_dir_;
  bool hugepages_ = false;
  size_t workers_ = 0;
};

}  // namespace sluice::io
