-- Recursion, sorting, a sieve, garbage.
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(20))

local t = {}
for i = 1, 5000 do t[i] = (i * 7919) % 5003 end
table.sort(t)
print(t[1], t[2500], t[5000])

local composite, primes = {}, 0
for i = 2, 10000 do
    if not composite[i] then
        primes = primes + 1
        for j = i * i, 10000, i do composite[j] = true end
    end
end
print(primes)

local hash = 5381
for i = 1, 2000 do
    local s = string.format("%d:%s", i, ("x"):rep(i % 7))
    for j = 1, #s do hash = (hash * 33 ~ s:byte(j)) & 0xFFFFFFFF end
end
print(hash)

-- Partial fractions of e, and queens on a board of 6.
local e, f = 0.0, 1.0
for i = 0, 20 do e = e + 1 / f f = f * (i + 1) end
print(string.format("%.15f", e))
local function queens(n)
    local count, columns, rising, falling = 0, {}, {}, {}
    local function place(row)
        if row > n then count = count + 1 return end
        for c = 1, n do
            if not (columns[c] or rising[row + c] or falling[row - c]) then
                columns[c], rising[row + c], falling[row - c] = true, true, true
                place(row + 1)
                columns[c], rising[row + c], falling[row - c] = nil, nil, nil
            end
        end
    end
    place(1)
    return count
end
print(queens(6), queens(7))
collectgarbage()
