-- Number of steps z <- z^2 + c before z is farther than 2 from zero, at most 256, summed over n x n numbers c.

local function run(n)
  local step = 2.5 / n
  local total = 0
  for row = 0, n - 1 do
    local im = row * step - 1.25
    for column = 0, n - 1 do
      local re = column * step - 2.0
      local x, y, xx, yy = 0.0, 0.0, 0.0, 0.0
      local left = 256
      repeat
        local xy = x * y
        y = xy + xy + im
        x = xx - yy + re
        xx = x * x
        yy = y * y
        if xx + yy > 4.0 then break end
        left = left - 1
      until left == 0
      total = total + 256 - left
    end
  end
  return 0, total
end

return { run = run }
