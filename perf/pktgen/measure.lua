-- SPDX-License-Identifier: Apache-2.0
-- Runs one profile for a while, prints what each port sent and received a second (median, least and most of as many seconds), and
-- quits. From the environment: PROFILE (forward.pkt), PORTS that send (all, or 0), RATE (percent of the link, 100), DURATION in
-- seconds (10).
local profile = os.getenv("PROFILE") or "forward.pkt"
local ports = os.getenv("PORTS") or "all"
local rate = tonumber(os.getenv("RATE") or "100")
local duration = tonumber(os.getenv("DURATION") or "10")

local function spread(samples)
  table.sort(samples)
  return string.format("%d (%d to %d)", samples[(#samples + 1) // 2], samples[1], samples[#samples])
end

-- A port that does not send keeps its ARP answers too: one packet a second takes them along.
local function wait_a_second(silent)
  for _, p in ipairs(silent) do pktgen.start(p) end
  pktgen.delay(1000) -- pktgen takes its counters once a second
end

pktgen.screen("off")
pktgen.run("cmd", profile, 0)
pktgen.set("all", "rate", rate)
local silent = {}
if ports ~= "all" then
  for p = 0, pktgen.portCount() - 1 do
    if tostring(p) ~= ports then
      silent[#silent + 1] = tostring(p)
      pktgen.set(tostring(p), "count", 1)
    end
  end
end
pktgen.start(ports)
for _ = 1, 3 do wait_a_second(silent) end -- neighbours are resolved, caches warm
local sent, received = {}, {}
for second = 1, duration do
  wait_a_second(silent)
  local now = pktgen.portStats("all", "rate")
  for p = 0, now.n - 1 do
    sent[p], received[p] = sent[p] or {}, received[p] or {}
    sent[p][second], received[p][second] = now[p].opackets, now[p].ipackets
  end
end
pktgen.stop("all")
print("\n" .. profile .. ", packets a second:")
for p = 0, #sent do print(string.format("  port %d sent %s, received %s", p, spread(sent[p]), spread(received[p]))) end
io.stdout:flush()
os.exit(true) -- pktgen.quit() is forgotten once the script has ended
