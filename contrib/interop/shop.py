#!/usr/bin/env python3
"""One service of a small shop: an HTTP server of the WSGI standard, instrumented with OpenTelemetry's own packages.

storefront → orders → stock
                    → payment → ledger → SQLite
                              → rates (which never runs)

    shop.py NAME PORT otlp|zipkin SPANS-URL DIRECTORY    DIRECTORY has addresses.json and the ledger's database
"""
import json
import os
import socketserver
import sqlite3
import sys
import threading
import urllib.request
import wsgiref.simple_server

from opentelemetry import trace
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

VOUCHERS = {"spring": 10, "autumn": 15}
DATABASE_PATIENCE_S = 0.3
PATIENCE_S = 30


class Shop:
    """What the handlers share: who the others are, and the ledger's database."""

    def __init__(self, directory):
        with open(os.path.join(directory, "addresses.json"), encoding="utf-8") as f:
            self.addresses = json.load(f)
        self.database = os.path.join(directory, "ledger.db")
        self.tracer = trace.get_tracer("shop")
        self.count = threading.Semaphore(1)  # who counts the stock, counts alone

    def ask(self, service, path):
        """POST to another service. Its refusal, and its 5xx, is an exception here, as urllib has it."""
        url = f"http://{self.addresses[service]}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=PATIENCE_S) as reply:
            return reply.read()

    # Each function is one operation of one service; what it raises becomes a 500.

    def storefront_take(self, query):
        self.ask("orders", f"/place?{query}")

    def orders_place(self, query):
        self.ask("stock", "/reserve-all" if query == "all" else "/reserve")
        self.ask("payment", f"/charge?{query}")

    def stock_reserve(self, _query):
        with self.tracer.start_as_current_span("count"):
            pass

    def stock_reserve_all(self, _query):
        """Counts every shelf: slow, and one at a time."""
        with self.tracer.start_as_current_span("count"), self.count:
            threading.Event().wait(0.4)

    def payment_charge(self, query):
        name, _, value = query.partition("=")
        if name == "voucher":
            with self.tracer.start_as_current_span("redeem"):
                VOUCHERS[value]
        if name == "currency":
            self.ask("rates", f"/rate?to={value}")
        self.ask("ledger", "/book")

    def ledger_book(self, _query):
        with sqlite3.connect(self.database, timeout=DATABASE_PATIENCE_S) as connection:
            cursor = connection.cursor()
            cursor.execute("INSERT INTO journal (amount) VALUES (7)")

    def operations(self, service):
        return {
            "storefront": dict.fromkeys(["/orders", "/invoices", "/gifts", "/imports", "/bulk"], self.storefront_take),
            "orders": {"/place": self.orders_place},
            "stock": {"/reserve": self.stock_reserve, "/reserve-all": self.stock_reserve_all},
            "payment": {"/charge": self.payment_charge},
            "ledger": {"/book": self.ledger_book},
        }[service]


def application(operations):
    """The WSGI application: the path chooses the operation; the reply carries the trace's id."""

    def answer(environ, start_response):
        operation = operations.get(environ["PATH_INFO"])
        span = trace.get_current_span()
        headers = [("X-Trace-Id", trace.format_trace_id(span.get_span_context().trace_id)), ("Content-Length", "0")]
        status = "200 OK"
        if operation is None:
            status = "404 Not Found"
        else:
            try:
                operation(environ["QUERY_STRING"])
            except Exception as error:  # as a web framework does
                span.record_exception(error)
                status = "500 Internal Server Error"
        start_response(status, headers)
        return [b""]

    return OpenTelemetryMiddleware(answer)


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


def exporter(kind, url):
    if kind == "zipkin":
        from opentelemetry.exporter.zipkin.json import ZipkinExporter
        return ZipkinExporter(endpoint=url)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    return OTLPSpanExporter(endpoint=url)


def main():
    service, port, kind, url, directory = sys.argv[1:]
    provider = TracerProvider(resource=Resource.create({
        "service.name": service, "service.namespace": "shop", "service.instance.id": f"{service}-{os.getpid()}"}))
    provider.add_span_processor(BatchSpanProcessor(exporter(kind, url), schedule_delay_millis=200))
    trace.set_tracer_provider(provider)
    URLLibInstrumentor().instrument()
    SQLite3Instrumentor().instrument()
    shop = Shop(directory)
    with wsgiref.simple_server.make_server("127.0.0.1", int(port), application(shop.operations(service)),
                                           server_class=Server, handler_class=Quiet) as server:
        server.serve_forever()


main()
