-- Fibonacci numbers by double recursion.

local function fib(n)
  if n < 2 then return n end
  local before = fib(n - 1)
  return before + fib(n - 2)
end

local function run(n)
  return 0, fib(n)
end

return { run = run }
