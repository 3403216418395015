-- n steps of five bodies that attract each other; returns the bits of their energy.

local ffi = require "ffi"
ffi.cdef "typedef struct { double x, y, z, vx, vy, vz, mass; } body;"
local start = ffi.new("body[5]", {
  { 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.5 },
  { 4.84, -1.16, -0.104, 0.606, 2.81, -0.0252, 0.0377 },
  { 8.34, 4.12, -0.404, -1.01, 1.83, 0.00842, 0.0113 },
  { 12.9, -15.1, -0.223, 1.08, 0.869, -0.0108, 0.00172 },
  { 15.4, -25.9, 0.179, 0.979, 0.594, -0.0348, 0.00203 },
})
local bodies = ffi.new("body[5]")

local function attract()
  for i = 0, 4 do
    local body = bodies[i]
    local x, y, z, mass = body.x, body.y, body.z, body.mass
    local vx, vy, vz = body.vx, body.vy, body.vz
    for j = i + 1, 4 do
      local other = bodies[j]
      local dx, dy, dz = x - other.x, y - other.y, z - other.z
      local square = dx * dx + dy * dy + dz * dz
      local pull = 0.01 / (square * math.sqrt(square))
      local other_pull = other.mass * pull
      local own_pull = mass * pull
      vx = vx - dx * other_pull
      vy = vy - dy * other_pull
      vz = vz - dz * other_pull
      other.vx = other.vx + dx * own_pull
      other.vy = other.vy + dy * own_pull
      other.vz = other.vz + dz * own_pull
    end
    body.vx, body.vy, body.vz = vx, vy, vz
  end
end

local function energy()
  local energy = 0.0
  for i = 0, 4 do
    local body = bodies[i]
    energy = energy + 0.5 * body.mass * (body.vx * body.vx + body.vy * body.vy + body.vz * body.vz)
    for j = i + 1, 4 do
      local other = bodies[j]
      local dx, dy, dz = body.x - other.x, body.y - other.y, body.z - other.z
      energy = energy - body.mass * other.mass / math.sqrt(dx * dx + dy * dy + dz * dz)
    end
  end
  return energy
end

local function run(n)
  ffi.copy(bodies, start, ffi.sizeof(start))
  for _ = 1, n do
    attract()
    for i = 0, 4 do
      local body = bodies[i]
      body.x = body.x + 0.01 * body.vx
      body.y = body.y + 0.01 * body.vy
      body.z = body.z + 0.01 * body.vz
    end
  end
  return common.halves(common.bits(energy()))
end

return { run = run }
