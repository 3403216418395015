-- Number of primes below n.

local ffi = require "ffi"
local composite = ffi.new("uint8_t[?]", 2^20)

local function run(n)
  ffi.fill(composite, n)
  local count = 0
  for candidate = 2, n - 1 do
    if composite[candidate] == 0 then
      count = count + 1
      for multiple = candidate * candidate, n - 1, candidate do
        composite[multiple] = 1
      end
    end
  end
  return 0, count
end

return { run = run }
