-- The 64-bit hash FNV-1a of n bytes.

local ffi, bit = require "ffi", require "bit"
local bytes = ffi.new("uint8_t[?]", 2^20)

local function setup(n)
  common.fill(bytes, n / 8)
end

local function run(n)
  local hash = 0xCBF29CE484222325ULL
  for i = 0, n - 1 do
    hash = bit.bxor(hash, bytes[i]) * 0x100000001B3ULL
  end
  return common.halves(hash)
end

return { setup = setup, run = run }
