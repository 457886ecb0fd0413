"""Stubs of tracing backends: what they answer by id and to a search, made from the traces of peers.py."""
import hashlib
import hmac
import json
import ssl
import struct
import time
import urllib.parse

import peers

NO_SUCH_PATH = 404, {"Content-Type": "text/plain"}, b"404 page not found\n"


def spans_of(trace):
    """(service, span) of OTLP JSON."""
    for resource in trace["resourceSpans"]:
        service = resource["resource"]["attributes"][0]["value"]["stringValue"]
        for span in resource["scopeSpans"][0]["spans"]:
            yield service, span


# ---- Protobuf, by the field numbers of opentelemetry-proto. ----

def varint(n):
    out = b""
    while n > 0x7f:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def number_field(number, value):
    return varint(number << 3) + varint(value)


def fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def to_proto(trace):
    """opentelemetry.proto.trace.v1.TracesData"""
    out = b""
    for service, span in spans_of(trace):
        body = (field(1, bytes.fromhex(span["traceId"])) + field(2, bytes.fromhex(span["spanId"])) +
                field(4, bytes.fromhex(span.get("parentSpanId", ""))) + field(5, span["name"]) +
                number_field(6, span["kind"]) + fixed64(7, int(span["startTimeUnixNano"])) +
                fixed64(8, int(span["endTimeUnixNano"])))
        if "status" in span:
            body += field(15, field(2, span["status"]["message"]) + number_field(3, span["status"]["code"]))
        name = field(1, field(1, "service.name") + field(2, field(1, service)))
        out += field(1, field(1, name) + field(2, field(2, body)))
    return out


# ---- JSON. ----

def to_jaeger(trace, plain=False):
    """Jaeger's old API; plain: as VictoriaTraces writes it, with texts only and an error tag on every span."""
    spans, processes = [], {}
    for n, (service, span) in enumerate(spans_of(trace)):
        processes[f"p{n}"] = {"serviceName": service, "tags": []}
        failed = span.get("status")
        tags = [{"key": "span.kind", "type": "string", "value": [None, "internal", "server", "client"][span["kind"]]}]
        if plain:
            tags.append({"key": "error", "type": "string", "value": "true" if failed else "unset"})
        elif failed:
            tags.append({"key": "error", "type": "bool", "value": True})
        if failed:
            tags.append({"key": "otel.status_description", "type": "string", "value": failed["message"]})
        start = int(span["startTimeUnixNano"]) // 1000
        spans.append({"traceID": span["traceId"], "spanID": span["spanId"], "operationName": span["name"],
                      "references": [{"refType": "CHILD_OF", "traceID": span["traceId"],
                                      "spanID": span["parentSpanId"]}] if "parentSpanId" in span else [],
                      "startTime": start, "duration": int(span["endTimeUnixNano"]) // 1000 - start, "tags": tags,
                      "logs": [], "processID": f"p{n}"})
    return {"traceID": spans[0]["traceID"], "spans": spans, "processes": processes}


def to_zipkin(trace):
    out = []
    for service, span in spans_of(trace):
        start = int(span["startTimeUnixNano"]) // 1000
        one = {"traceId": span["traceId"], "id": span["spanId"], "name": span["name"].lower(),
               "timestamp": start, "duration": int(span["endTimeUnixNano"]) // 1000 - start,
               "localEndpoint": {"serviceName": service.lower()}, "tags": {}}
        if span["kind"] in (2, 3):
            one["kind"] = ["SERVER", "CLIENT"][span["kind"] - 2]
        if "parentSpanId" in span:
            one["parentId"] = span["parentSpanId"]
        if "status" in span:
            one["tags"] = {"error": span["status"]["message"]}
        out.append(one)
    return out


# ---- The backends. ----

class Backend(peers.Peer):
    """Answers by path; traces are OTLP JSON by id. With certificates (CA, server) it asks for the client's."""

    def __init__(self, traces, certificates=None):
        self.traces = traces
        super().__init__(self.take)
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_verify_locations(certificates[0])
            context.load_cert_chain(certificates[1])
            context.verify_mode = ssl.CERT_REQUIRED
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.url = f"https://localhost:{self.port}"

    def take(self, request):
        url = urllib.parse.urlsplit(request["path"])
        request["query"] = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")
        return self.reply(parts, request["query"])

    @staticmethod
    def json(document, status=200):
        return status, {"Content-Type": "application/json"}, json.dumps(document).encode()

    def queries(self):
        return [r["query"] for r in self.asked() if r["query"]]


class OldJaeger(Backend):
    """A Jaeger 1.x without API v3. Without reads_error, as the memory storage of 2.13 is: it takes error=true for false."""

    def __init__(self, traces, reads_error=True):
        self.reads_error = reads_error
        super().__init__(traces)

    def find(self, query):
        found = list(self.traces.values())
        if "tags" in query:
            found = [t for t in found if self.reads_error and any("status" in span for _, span in spans_of(t))]
        return found[:int(query["limit"])]

    def reply(self, parts, query):
        if parts[:2] != ["api", "traces"]:
            return NO_SUCH_PATH
        if len(parts) == 2:
            return self.json({"data": [to_jaeger(t) for t in self.find(query)], "errors": None})
        if parts[2] in self.traces:
            return self.json({"data": [to_jaeger(self.traces[parts[2]])], "errors": None})
        return self.json({"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}, 404)


class VictoriaTraces(Backend):
    def reply(self, parts, query):
        if parts[:4] != ["select", "jaeger", "api", "traces"]:
            return NO_SUCH_PATH
        if len(parts) == 4:
            return self.json({"data": [to_jaeger(t, plain=True) for t in self.traces.values()], "errors": None})
        if parts[4] in self.traces:
            return self.json({"data": [to_jaeger(self.traces[parts[4]], plain=True)], "errors": None})
        return self.json({"data": [{"traceID": "", "spans": [], "processes": {}}], "errors": None})


class Tempo(Backend):
    """v2: has API v2, whose answer to an unknown id is an empty one."""

    def __init__(self, traces, v2=True, certificates=None):
        self.v2 = v2
        super().__init__(traces, certificates)

    def reply(self, parts, query):
        protobuf = {"Content-Type": "application/protobuf"}
        if parts == ["api", "search"]:
            return self.json({"traces": [{"traceID": i.lstrip("0")} for i in self.traces], "metrics": {}})
        if self.v2 and parts[:3] == ["api", "v2", "traces"]:
            trace = self.traces.get(parts[3])
            return 200, protobuf, (field(1, to_proto(trace)) if trace else b"") + field(2, b"")
        if parts[:2] == ["api", "traces"] and len(parts) == 3:
            trace = self.traces.get(parts[2])
            return (200, protobuf, to_proto(trace)) if trace else (404, {}, b"")
        return NO_SUCH_PATH


class Zipkin(Backend):
    def reply(self, parts, query):
        if parts == ["api", "v2", "traces"]:
            return self.json([to_zipkin(t) for t in self.traces.values()])
        if parts[:3] == ["api", "v2", "trace"]:
            trace = self.traces.get(parts[3])
            return self.json(to_zipkin(trace)) if trace else (404, {"Content-Type": "text/plain"}, b"not found")
        return NO_SUCH_PATH


def to_xray(trace):
    """A segment for each span. Calls are subsegments in the caller's segment, whose id is the callee's parent."""
    spans = list(spans_of(trace))
    documents = []
    for service, span in spans:
        times = {"start_time": int(span["startTimeUnixNano"]) / 1e9, "end_time": int(span["endTimeUnixNano"]) / 1e9}
        root = span["traceId"]
        document = {"id": span["spanId"], "name": service, "trace_id": f"1-{root[:8]}-{root[8:]}", **times}
        if "parentSpanId" in span:
            document["parent_id"] = "c" + span["spanId"][1:]
        if "status" in span:
            document.update(fault=True, cause={"exceptions": [{"id": "e", "message": span["status"]["message"]}]})
        document["subsegments"] = [
            {"id": "c" + callee["spanId"][1:], "name": name, "namespace": "remote", "fault": "status" in callee, **times}
            for name, callee in spans if callee.get("parentSpanId") == span["spanId"]]
        documents.append({"Id": span["spanId"], "Document": json.dumps(document)})
    return documents


class XRay(Backend):
    """Takes only what is signed with this access key, and sends a trace in two pages."""

    key, region = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "eu-west-1"

    def signature(self, request, names, date):
        """Signature Version 4, as AWS's reference describes it."""
        headers = {k.lower(): " ".join(v.split()) for k, v in request["headers"].items()}
        canonical = "\n".join(["POST", request["path"], ""] + [f"{n}:{headers[n]}" for n in names] + [
            "", ";".join(names), hashlib.sha256(request["body"]).hexdigest()])
        scope = f"{date[:8]}/{self.region}/xray/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.key[1]).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), "sha256").digest()
        credential = f"{self.key[0]}/{scope}"
        return credential, hmac.new(key, text.encode(), "sha256").hexdigest()

    def is_signed(self, request):
        scheme, _, rest = request["headers"].get("Authorization", "").partition(" ")
        parts = dict(p.strip().split("=", 1) for p in rest.split(",") if "=" in p)
        names = parts.get("SignedHeaders", "").split(";")
        if scheme != "AWS4-HMAC-SHA256" or not {"host", "x-amz-date", "x-amz-security-token"} <= set(names):
            return False
        date = {k.lower(): v for k, v in request["headers"].items()}["x-amz-date"]
        return (parts["Credential"], parts["Signature"]) == self.signature(request, names, date)

    def take(self, request):
        if not self.is_signed(request):
            return self.json({"Message": "The request signature we calculated does not match"}, 403)
        body = request["json"] = json.loads(request["body"])
        if request["path"] == "/TraceSummaries":
            return self.json({"TraceSummaries": [{"Id": f"1-{i[:8]}-{i[8:]}", "HasFault": True} for i in self.traces]})
        if request["path"] != "/Traces":
            return NO_SUCH_PATH
        documents = [to_xray(t) for i, t in self.traces.items() if f"1-{i[:8]}-{i[8:]}" in body["TraceIds"]]
        page = slice(1, None) if body.get("NextToken") == "two" else slice(0, 1)
        return self.json({"Traces": [{"Id": i, "Segments": d[page]} for i, d in zip(body["TraceIds"], documents)],
                          "UnprocessedTraceIds": [], **({} if page.start else {"NextToken": "two"})})


def rfc3339(nanoseconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(nanoseconds) // 10**9)) + f".{int(nanoseconds) % 10**9:09}Z"


def to_elastic(trace):
    """APM documents: a transaction for each span, below a span of its caller; what failed has an error document."""
    for service, span in spans_of(trace):
        took = {"us": (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) // 1000}
        common = {"trace": {"id": span["traceId"]}, "@timestamp": rfc3339(span["startTimeUnixNano"]),
                  "event": {"outcome": "failure" if "status" in span else "success"}, "service": {"name": service}}
        transaction = {"id": span["spanId"], "name": span["name"], "type": "request", "duration": took}
        parent = {"parent": {"id": span["parentSpanId"]}} if "parentSpanId" in span else {}
        yield {**common, **parent, "processor": {"event": "transaction"}, "transaction": transaction}
        if "status" in span:
            yield {**common, "processor": {"event": "error"}, "parent": {"id": span["spanId"]},
                   "error": {"exception": [{"message": span["status"]["message"], "type": "Error"}]}}


def to_data_prepper(trace):
    for service, span in spans_of(trace):
        yield {"traceId": span["traceId"], "spanId": span["spanId"], "parentSpanId": span.get("parentSpanId", ""),
               "name": span["name"], "kind": "SPAN_KIND_SERVER", "serviceName": service,
               "startTime": rfc3339(span["startTimeUnixNano"]), "endTime": rfc3339(span["endTimeUnixNano"]),
               "status": {"code": 2 if "status" in span else 0, "message": span.get("status", {}).get("message", "")}}


class Elastic(Backend):
    """Knows the two questions that are asked: with collapse for ids, with terms for the spans of traces."""

    index, field, write = "traces-apm*,traces-*.otel-*,apm-*", "trace.id", staticmethod(to_elastic)

    def take(self, request):
        url = urllib.parse.urlsplit(request["path"])
        if url.path != f"/{self.index}/_search" or request["method"] != "POST":
            return NO_SUCH_PATH
        body = request["json"] = json.loads(request["body"])
        if "collapse" in body:
            return self.hits([{self.field: i} for i in self.traces])
        ids = body["query"]["bool"]["filter"][0]["bool"]["should"][0]["terms"][self.field]
        documents = [d for i in ids if i in self.traces for d in self.write(self.traces[i])]
        if self.field == "trace.id":
            documents.sort(key=lambda d: d["processor"]["event"])
        return self.hits(documents)

    def hits(self, documents):
        hits = [{"_index": "x", "_source": d, "sort": [n]} for n, d in enumerate(documents)]
        return self.json({"took": 1, "timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": hits}})


class OpenSearch(Elastic):
    index, field, write = "otel-v1-apm-span-*", "traceId", staticmethod(to_data_prepper)


class Datadog(Backend):
    """The spans search, in pages of one span."""

    @staticmethod
    def attributes(service, span):
        failed = {"status": "error", "custom": {"error": {"message": span["status"]["message"]}}} if "status" in span else {}
        return {"trace_id": span["traceId"], "span_id": str(int(span["spanId"], 16)), "type": "web", "service": service,
                "parent_id": str(int(span.get("parentSpanId", "0"), 16)), "resource_name": span["name"],
                "start_timestamp": rfc3339(span["startTimeUnixNano"]), "end_timestamp": rfc3339(span["endTimeUnixNano"]),
                **failed}

    def take(self, request):
        keys = request["headers"].get("DD-API-KEY"), request["headers"].get("DD-APPLICATION-KEY")
        if request["path"] != "/api/v2/spans/events/search" or keys != ("k3y", "4pp"):
            return self.json({"errors": ["Forbidden"]}, 403)
        question = request["json"] = json.loads(request["body"])["data"]["attributes"]
        spans = [self.attributes(*s) for i, t in self.traces.items() for s in spans_of(t)]
        if question["filter"]["query"].startswith("trace_id:("):
            spans = [s for s in spans if s["trace_id"] in question["filter"]["query"]]
        at = int(question["page"].get("cursor", "0"))
        page = {"after": str(at + 1)} if at + 1 < len(spans) else {}
        return self.json({"data": [{"id": "x", "type": "spans", "attributes": s} for s in spans[at:at + 1]],
                          "meta": {"page": page, "status": "done"}})


class CloudTrace(Backend):
    """Takes the token that stands in its file; the first page of a search is empty, as it may be."""

    def __init__(self, traces, token):
        self.token = token
        super().__init__(traces)

    def take(self, request):
        with open(self.token, encoding="utf-8") as f:
            if request["headers"].get("Authorization") != "Bearer " + f.read().strip():
                return self.json({"error": {"code": 401}}, 401)
        return super().take(request)

    @staticmethod
    def trace(trace_id, trace):
        return {"projectId": "shop-prod", "traceId": trace_id, "spans": [
            {"spanId": str(int(s["spanId"], 16)), "kind": "RPC_SERVER", "name": s["name"],
             "startTime": rfc3339(s["startTimeUnixNano"]), "endTime": rfc3339(s["endTimeUnixNano"]),
             **({"parentSpanId": str(int(s["parentSpanId"], 16))} if "parentSpanId" in s else {}),
             "labels": {"service.name": service,
                        **({"/error/message": s["status"]["message"]} if "status" in s else {})}}
            for service, s in spans_of(trace)]}

    def reply(self, parts, query):
        if parts[:4] != ["v1", "projects", "shop-prod", "traces"]:
            return NO_SUCH_PATH
        if len(parts) == 5:
            trace = self.traces.get(parts[4])
            return self.json(self.trace(parts[4], trace)) if trace else self.json({"error": {"code": 404}}, 404)
        if query.get("pageToken") != "two":
            return self.json({"nextPageToken": "two"})
        return self.json({"traces": [self.trace(i, t) for i, t in self.traces.items()]})


class Prometheus(Backend):
    """Knows the exemplars (ids) of any expression."""

    def reply(self, parts, query):
        if parts != ["api", "v1", "query_exemplars"]:
            return NO_SUCH_PATH
        return self.json({"status": "success", "data": [{"seriesLabels": {"__name__": "x"}, "exemplars": [
            {"labels": {"traceID": i}, "value": "1", "timestamp": 1788256800} for i in self.traces]}]})
