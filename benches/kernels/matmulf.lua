-- The product of two matrices of 128 x 128 binary64 numbers, and a checksum of it.

local ffi, bit = require "ffi", require "bit"
local a = ffi.new("double[?]", 2 * 128 * 128)
local b = a + 128 * 128
local c = ffi.new("double[?]", 128 * 128)

local function setup()
  local x = common.seed
  for i = 0, 2 * 128 * 128 - 1 do
    x = common.random(x)
    a[i] = tonumber(bit.rshift(x, 11)) * 2^-53
  end
end

local function run()
  local check = 0ULL
  for row = 0, 127 do
    for column = 0, 127 do
      local sum = 0
      for k = 127, 0, -1 do
        sum = sum + a[row * 128 + k] * b[k * 128 + column]
      end
      c[row * 128 + column] = sum
      check = bit.bxor(bit.rol(check, 1), common.bits(sum))
    end
  end
  return common.halves(check)
end

return { setup = setup, run = run }
