-- Counts what is not 2xx, makes a new device for each request when asked to, and prints one line
-- of JSON that the harness reads.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("thread_number", threads)
end

function init(args)
  prefix, scenario, sent = args[1], args[2], 0
end

function request()
  if scenario ~= "create" then
    return wrk.format()
  end
  sent = sent + 1
  local identifier = string.format("%s-%d-%d", prefix, thread_number, sent)
  wrk.headers["Content-Type"] = "application/json"
  local body = string.format(os.getenv("BENCH_DEVICE"), identifier)
  return wrk.format("POST", "/v1/devices", nil, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
