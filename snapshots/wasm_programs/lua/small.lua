-- Numbers, strings, tables, metatables, closures.
print(7 // 2, -7 // 2, 7 % -3, 2^53, 1 << 62, 3 | 4, math.tointeger(3.0), 10 / 3, math.mininteger, 1e300 * 1e10)
print(string.format("%5.3f %d %x %q %10s|%-6s|%g %a", math.pi, 42, 255, "a\nb", "right", "left", 1e-5, 0.5))
print(("hello world"):gsub("o", "0"), ("key = value"):match("(%w+)%s*=%s*(%w+)"), ("x"):rep(3, ","))
print(select("#", table.unpack({1, 2, 3})), utf8.char(228, 8364, 128512), utf8.len("äöü"), #"äöü")

local Point = {}
Point.__index = Point
Point.__add = function(a, b) return setmetatable({x = a.x + b.x, y = a.y + b.y}, Point) end
Point.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Point.__tostring = function(p) return "(" .. p.x .. ", " .. p.y .. ")" end
local p = setmetatable({x = 1, y = 2}, Point) + setmetatable({x = 0.5, y = -2}, Point)
print(tostring(p), p == setmetatable({x = 1.5, y = 0}, Point))

local function counter()
    local n = 0
    return function() n = n + 1 return n end
end
local a, b = counter(), counter()
print(a(), a(), b(), a())

local words = {}
for word in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[#words + 1] = word end
table.sort(words, function(x, y) return #x < #y or #x == #y and x < y end)
print(table.concat(words, " "))
goto done
print("not printed")
::done::
