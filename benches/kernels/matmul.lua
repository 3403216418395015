-- The product of two matrices of 128 x 128 integers, and a checksum of it.

local ffi, bit = require "ffi", require "bit"
local a = ffi.new("uint64_t[?]", 2 * 128 * 128)
local b = a + 128 * 128
local c = ffi.new("uint64_t[?]", 128 * 128)

local function setup()
  common.fill(a, 2 * 128 * 128)
end

local function run()
  local check = 0ULL
  for row = 0, 127 do
    for column = 0, 127 do
      local sum = 0ULL
      for k = 127, 0, -1 do
        sum = sum + a[row * 128 + k] * b[k * 128 + column]
      end
      c[row * 128 + column] = sum
      check = bit.bxor(bit.rol(check, 1), sum)
    end
  end
  return common.halves(check)
end

return { setup = setup, run = run }
