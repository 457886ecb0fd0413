-- wrk: each request is one alert of about 1 KiB; two threads of 10,000 distinct ones, then the same again (repeats).
-- ENVELOPE=webhook wraps it as Alertmanager's webhook; else it is a list for /api/v2/alerts.
local webhook = os.getenv("ENVELOPE") == "webhook"
local thread = 0
local n = 0
local filler = string.rep("x", webhook and 560 or 700)

function setup(t)
	t:set("id", thread)
	thread = thread + 1
end

function request()
	n = n + 1
	local labels = string.format(
		'"labels":{"alertname":"Bench","severity":"info","instance":"host-%d-%d","job":"bench"},' ..
		'"annotations":{"summary":"%s"},"startsAt":"2026-09-01T10:00:00.000Z",' ..
		'"generatorURL":"http://prometheus.shop.example/graph?g0.expr=up"', id, n % 10000, filler)
	local body
	if webhook then
		body = '{"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"r","groupLabels":{},' ..
			'"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am","alerts":[{"status":"firing",' ..
			labels .. ',"endsAt":"0001-01-01T00:00:00Z","fingerprint":""}]}'
	else
		body = "[{" .. labels .. ',"endsAt":"2099-01-01T00:00:00.000Z"}]'
	end
	return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
end

function done(summary, latency)
	io.write(string.format("RESULT requests=%d seconds=%.2f rate=%.0f p50_ms=%.2f p99_ms=%.2f errors=%d\n",
		summary.requests, summary.duration / 1e6, summary.requests / (summary.duration / 1e6),
		latency:percentile(50) / 1000, latency:percentile(99) / 1000,
		summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout))
end
