-- SPDX-License-Identifier: Apache-2.0
-- RFC 2544 26.1: for each frame size the highest rate at which no more than a given share of the frames is lost. Flows are those of
-- forward.pkt, both ways. From the environment:
--   SIZES "64 128 256 512 1024 1280 1518"   octets with FCS
--   LOSS 0          share of the frames that may be lost, in percent. RFC 2544 wants none.
--   DURATION 10     seconds of a trial. RFC 2544 wants 60.
--   PRECISION 1     the search ends when the bounds are so near, in percent of the upper one
-- A rate is in percent of the link, and what counts is what was really sent: the first trial asks for all, so the upper bound is
-- what this generator can send at that size.
local function number(name, default) return tonumber(os.getenv(name) or tostring(default)) end

local loss_bound, duration, precision = number("LOSS", 0), number("DURATION", 10), number("PRECISION", 1)

local function totals()
  local t, sent, received = pktgen.portStats("all", "port"), 0, 0
  for p = 0, t.n - 1 do
    sent, received = sent + t[p].opackets, received + t[p].ipackets
  end
  return sent, received
end

-- Frames a second sent, and the share lost in percent.
local function trial(rate)
  pktgen.set("all", "rate", rate)
  local sent0, received0 = totals()
  pktgen.start("all")
  pktgen.delay(duration * 1000)
  pktgen.stop("all")
  pktgen.delay(2000) -- RFC 2544 23: frames in flight arrive
  local sent, received = totals()
  sent, received = sent - sent0, received - received0
  return sent / duration, sent > 0 and math.max(0, (sent - received) / sent * 100) or 100
end

local function set_size(octets)
  pktgen.set("all", "size", octets)
  for _, what in ipairs({ "start", "min", "max" }) do pktgen.range.pkt_size("all", what, octets) end
end

local function search()
  local sent, loss = trial(100)
  if loss <= loss_bound then return sent, loss, "all that the generator sends" end
  local low, high, best, best_loss = 0, 100, 0, 0
  while high - low > high * precision / 100 do
    local rate = (low + high) / 2
    sent, loss = trial(rate)
    if loss <= loss_bound then
      low, best, best_loss = rate, sent, loss
    else
      high = rate
    end
    if high < 0.001 then break end
  end
  return best, best_loss, ""
end

pktgen.screen("off")
pktgen.run("cmd", "forward.pkt", 0)
pktgen.set("all", "rate", 0.01)
pktgen.start("all")
pktgen.delay(2000) -- neighbours are resolved
pktgen.stop("all")
print("size  frames a second, both ways  lost")
for octets in string.gmatch(os.getenv("SIZES") or "64 128 256 512 1024 1280 1518", "%d+") do
  set_size(tonumber(octets))
  local sent, loss, note = search()
  print(string.format("%4d  %26.0f  %.4f %%  %s", octets, sent, loss, note))
  io.stdout:flush()
end
os.exit(true)
