// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
namespace sluice::io {
constexpr uint32_t reta_size = 128;
constexpr size_t owner_of_hash(uint32_t hash, size_t workers) { return hash % reta_size % workers; }
}  // namespace sluice::io
