-- RFC 8058 as mail programs send it: each request another person's token. env: TOKENS, a file
local tokens, i = {}, 0
for line in io.lines(os.getenv("TOKENS")) do tokens[#tokens + 1] = line end
local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }

function request()
  i = i + 1
  return wrk.format("POST", "/u/" .. tokens[(i - 1) % #tokens + 1] .. "/", headers,
    "List-Unsubscribe=One-Click")
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %f %f %d %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(99) / 1000, summary.requests,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
