-- Fills n numbers and sorts them with heapsort, and returns a checksum.

local ffi, bit = require "ffi", require "bit"
local numbers = ffi.new("uint64_t[?]", 100000)

-- Sifts the number at root down in the heap, whose other numbers are in order.
local function sift(root, count)
  local value = numbers[root]
  local last = count - 1
  local child = 2 * root + 1
  while child < last do
    local larger = numbers[child]
    local right = numbers[child + 1]
    if larger < right then
      child = child + 1
      larger = right
    end
    if value >= larger then break end
    numbers[root] = larger
    root = child
    child = 2 * root + 1
  end
  if child == last and numbers[child] > value then
    numbers[root] = numbers[child]
    root = child
  end
  numbers[root] = value
end

local function run(n)
  common.fill(numbers, n)
  for root = n / 2 - 1, 0, -1 do
    sift(root, n)
  end
  for last = n - 1, 1, -1 do
    numbers[0], numbers[last] = numbers[last], numbers[0]
    sift(0, last)
  end
  local check = 0ULL
  for i = 0, n - 1 do
    check = bit.bxor(check, numbers[i]) * 0x100000001B3ULL
  end
  return common.halves(check)
end

return { run = run }
