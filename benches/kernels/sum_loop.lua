-- x <- 6364136223846793005 (x xor i), for i from n down to 1.

local bit = require "bit"

local function run(n)
  local x = 0ULL
  local i = n + 0ULL
  while i ~= 0 do
    x = bit.bxor(x, i) * 6364136223846793005ULL
    i = i - 1
  end
  return common.halves(x)
end

return { run = run }
