-- Consecutive calls into the program and out of it.

local function inc(x)
  return x + 1
end

-- Counts to n in the host.
local function with_calls(n)
  local count = 0
  for _ = 1, n do
    count = host_inc(count)
  end
  return count
end

-- The same loop without the call.
local function without_calls(n)
  local count = 0
  for _ = 1, n do
    count = count + 1
  end
  return count
end

return { inc = inc, with_calls = with_calls, without_calls = without_calls }
