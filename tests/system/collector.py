"""A stub of an OpenTelemetry collector: takes OTLP/HTTP and reads its protobuf with a reader of its own, by the field numbers of opentelemetry-proto."""
import collections
import struct

import peers

Span = collections.namedtuple("Span", "trace id parent name kind start end attributes links error remote resource")
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


def fields(data):
    """(number, value) of a message: an int of a varint or of a fixed number, else bytes."""
    at = 0

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
        elif kind == 1:
            yield tag >> 3, struct.unpack_from("<Q", data, at)[0]
            at += 8
        elif kind == 5:
            yield tag >> 3, struct.unpack_from("<I", data, at)[0]
            at += 4
        elif kind == 2:
            length = varint()
            assert at + length <= len(data), "a message that is cut"
            yield tag >> 3, data[at:at + length]
            at += length
        else:
            raise AssertionError(f"wire type {kind}")


def pair(data):
    """KeyValue."""
    parts = dict(fields(data))
    ((number, value),) = fields(parts[2])
    if number == 1:
        value = value.decode("utf-8")
    elif number == 2:
        value = bool(value)
    elif number == 4:
        value = struct.unpack("<d", struct.pack("<Q", value))[0]
    else:
        assert number == 3, f"a value of kind {number}"
    return parts[1].decode("utf-8"), value


def read_span(data, resource):
    got = collections.defaultdict(list)
    for number, value in fields(data):
        got[number].append(value)
    assert set(got) <= {1, 2, 4, 5, 6, 7, 8, 9, 13, 15, 16}, sorted(got)
    names = [pair(one)[0] for one in got[9]]
    assert len(names) == len(set(names)), names
    status = dict(fields(got[15][0])) if got[15] else {}
    links = []
    for one in got[13]:
        link = dict(fields(one))
        assert len(link[1]) == 16 and len(link[2]) == 8, link
        links.append((link[1].hex(), link[2].hex()))
    assert len(got[1][0]) == 16 and len(got[2][0]) == 8
    return Span(got[1][0].hex(), got[2][0].hex(), got[4][0].hex() if got[4] else None, got[5][0].decode("utf-8"), KINDS[got[6][0]],
                got[7][0], got[8][0], dict(pair(one) for one in got[9]), links, status.get(3) == 2, bool(got[16][0] & 0x200), resource)


def read_request(data):
    """ExportTraceServiceRequest."""
    spans = []
    for number, resource_spans in fields(data):
        assert number == 1, number
        resource = {}
        for number, value in fields(resource_spans):
            if number == 1:
                resource = dict(pair(one) for _, one in fields(value))
            else:
                assert number == 2, number
                for number, part in fields(value):
                    if number == 1:
                        assert dict(fields(part))[1] == b"tracepager"
                    else:
                        assert number == 2, number
                        spans.append(read_span(part, resource))
    return spans


class Collector(peers.Peer):
    def __init__(self, status=200, headers=None, port=0):
        self.status, self.more = status, headers or {}
        super().__init__(lambda request: (self.status, self.more, b""), port)

    def spans(self):
        spans = []
        for request in self.seen():
            assert (request["method"], request["path"]) == ("POST", "/v1/traces"), request
            assert request["headers"]["Content-Type"] == "application/x-protobuf", request["headers"]
            spans += read_request(request["body"])
        return spans

    def named(self, name):
        return [span for span in self.spans() if span.name == name]

    def one(self, name):
        return peers.wait_for(f"the span {name}", lambda: self.named(name))[0]

    def trace(self, trace_id):
        return [span for span in self.spans() if span.trace == trace_id]
