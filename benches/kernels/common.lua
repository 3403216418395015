-- Functions shared by the kernels. A kernel returns its answer as two numbers, the high and the low 32 bits.

local ffi, bit = require "ffi", require "bit"
local common = {}

-- A 64-bit integer as two numbers.
function common.halves(x)
  return tonumber(bit.rshift(x, 32)), tonumber(bit.band(x, 0xFFFFFFFFULL))
end

-- The next random number after x.
function common.random(x)
  x = bit.bxor(x, bit.lshift(x, 13))
  x = bit.bxor(x, bit.rshift(x, 7))
  return bit.bxor(x, bit.lshift(x, 17))
end

common.seed = 0x9E3779B97F4A7C15ULL

-- count random 64-bit integers at an address.
function common.fill(address, count)
  local numbers = ffi.cast("uint64_t *", address)
  local x = common.seed
  for i = 0, count - 1 do
    x = common.random(x)
    numbers[i] = x
  end
end

-- The bits of a number.
local union = ffi.new("union { double number; uint64_t bits; }")
function common.bits(number)
  union.number = number
  return union.bits
end

return common
