-- SPDX-License-Identifier: MIT
-- Strings, tables, closures, coroutines, files, processes, the collector.
print(_VERSION, #arg, math.type(1), math.maxinteger)
print(("%5.2f|%-5s|%q|%x"):format(math.pi, "ab", 'a "b"\n', 255))
print(("the quick brown fox"):gsub("%w+", string.upper))
for key, value in string.gmatch("a=1, b=2", "(%w+)=(%w+)") do io.write(key, value, " ") end
print()
local numbers = {}
for i = 1, 1000 do numbers[i] = (i * 7919) % 1009 end
table.sort(numbers)
print(numbers[1], numbers[500], numbers[1000], select("#", table.unpack(numbers, 1, 50)))
local function generate(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i * i) end end) end
local sum = 0
for square in generate(100) do sum = sum + square end
print(sum, pcall(error, {code = 1}) == false, select(2, pcall(error, "message", 0)))
local vector = setmetatable({1, 2}, {__add = function(a, b) return a[1] + b[1] end, __tostring = function() return "vector" end})
print(vector + vector, tostring(vector), utf8.len("größe"), utf8.char(8364))
local name = "/tmp/lua.txt"
local file = assert(io.open(name, "w"))
file:write("line one\n", 2, "\n", 3.5, "\n")
file:close()
for line in io.lines(name) do io.write("[", line, "]") end
print()
file = io.open(name, "r+")
print(file:seek("end"), file:seek("set", 5), file:read(3), file:read("n"), file:read("a"))
file:close()
print(os.rename(name, name .. "2"), os.remove(name .. "2"), os.remove(name))
print(io.open("/nothing"))
local process = io.popen("echo from a process; exit 3")
print(process:read("a"), process:close())
print(os.execute("exit 4"))
print(os.execute("kill -9 $$"))
print(os.date("!%F %T", 0), os.time({year = 2000, month = 1, day = 1, hour = 12}) > 0, os.getenv("NOTHING"))
local temporary = io.tmpfile()
temporary:write("kept"):seek("set")
print(temporary:read("a"))
local big = {}
for round = 1, 20 do
    big = {}
    for i = 1, 20000 do big[i] = {i, tostring(i)} end
end
collectgarbage()
print(#big, collectgarbage("count") < 65536)
print(string.rep("x", 1 << 22):len(), require("string") == string, load("return 6 * 7")())
io.stderr:write("to standard error\n")
os.exit(7, true)
