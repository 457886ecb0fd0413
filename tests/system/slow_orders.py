"""Healthy traces of an operation before an alert, and slow ones after it, as a stub of Jaeger answers them by the window that is asked
for."""
import datetime
import json
import time
import urllib.parse

import peers

RULES = peers.RULES.replace("""routes:
""", """  slow_order:
    alerts: {{alertname: SlowOrders}}
    span: {{service: frontend, operation: "POST /orders"}}
    owner: shop
    mode: {mode}
routes:
""").replace("{mode}", "auto")


def order(n, ledger_ms):
    """frontend -> checkout -> ledger; what the ledger needs is told."""
    trace_id, jitter = f"{n:032x}", n % 5
    end = ledger_ms + jitter
    return [
        peers.span(trace_id, "00000000000000a1", None, "frontend", "POST /orders", duration=end + 40),
        peers.span(trace_id, "00000000000000a2", "00000000000000a1", "checkout", "PlaceOrder", start=10, duration=end + 20),
        peers.span(trace_id, "00000000000000a3", "00000000000000a2", "ledger", "Book", start=20, duration=end)]


class Jaeger(peers.Peer):
    def __init__(self):
        super().__init__(self.look_up)

    def look_up(self, request):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request["path"]).query))
        until = datetime.datetime.fromisoformat(query["query.start_time_max"][:19]).replace(tzinfo=datetime.timezone.utc)
        healthy = until.timestamp() < time.time() - 300
        first = int(until.timestamp()) % 100000 * 1000
        traces = [order(first + i, 20 if healthy else 320) for i in range(40 if healthy else 10)]
        spans = [rs for t in traces for rs in t]
        return 200, {}, json.dumps({"result": {"resourceSpans": spans}}).encode()
