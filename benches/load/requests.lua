-- Sends the requests of a file in turn, each thread from a place of its own: a line is a method, a path and a body,
-- with tabs between. Prints a line that the bench reads.
local lines, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    local headers = { ["Content-Type"] = "application/json" }
    if args[2] and #args[2] > 0 then headers["Authorization"] = "Bearer " .. args[2] end
    if #body == 0 then body = nil end
    lines[#lines + 1] = wrk.format(method, path, headers, body)
  end
  math.randomseed(os.time())
  at = math.random(#lines)
end

function request()
  at = at % #lines + 1
  return lines[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "RESULT %d %d %.1f %.1f %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
