"""What one upload costs in DynamoDB write units, counted over the use cases themselves.

A write is billed by the KB of the larger of the item before and after, twice in a transaction; an index
entry that appears, goes, moves or, where the index holds whole items, changes is a write of its own.
Counted here from what is sent, since moto bills nothing.
"""

from __future__ import annotations

import io
import os
import wave
from dataclasses import replace

import numpy as np
import record_samples as sample
from backends_aws import PROJECTIONS, aws

from generated import evidence_of
from rightscan import runtime
from rightscan.adapters.aws import attributes
from rightscan.adapters.aws.clients import shared_client
from rightscan.adapters.aws.items import item_of
from rightscan.adapters.local.clock import ManualClock
from rightscan.fingerprint import PIPELINE, Fingerprint
from rightscan.index import Modification, Segment
from rightscan.jobs.count import count_change
from rightscan.jobs.features import pack
from rightscan.jobs.ingest import ingest
from rightscan.jobs.match import match
from rightscan.jobs.scan import scan
from rightscan.ports import OpenIndex
from rightscan.provenance.records import Credentials, Provenance
from rightscan.records.messages import MatchRequested, ScanRequested, UploadEvent

__all__ = ["aws"]  # a fixture
KB = 1024


class Bill:
    """Listens to a DynamoDB client and sums the write units of what it sends."""

    def __init__(self, client):
        self._client = client
        self.units = {}
        self.changes = []
        client.meta.events.register_first("provide-client-params.dynamodb.PutItem", self._put)
        client.meta.events.register_first("provide-client-params.dynamodb.TransactWriteItems", self._transact)

    def close(self):
        self._client.meta.events.unregister("provide-client-params.dynamodb.PutItem", self._put)
        self._client.meta.events.unregister(
            "provide-client-params.dynamodb.TransactWriteItems", self._transact
        )

    @property
    def total(self):
        return sum(self.units.values())

    def _put(self, params, **_):
        self._write(params["Item"], times=1)

    def _transact(self, params, **_):
        for action in params["TransactItems"]:
            if "Put" in action:
                self._write(action["Put"]["Item"], times=2)
            else:
                self._charge(action["Update"]["ExpressionAttributeValues"][":kind"]["S"], 2)

    def _write(self, new, *, times):
        key = {name: new[name] for name in ("PK", "SK")}
        old = self._client.get_item(TableName="records", Key=key).get("Item")
        kind = new["kind"]["S"]
        self._charge(kind, times * max(kilobytes(old), kilobytes(new)))
        for index, projection in PROJECTIONS.items():
            self._charge(f"{kind} in {index}", index_units(index, projection, old, new))
        self.changes.append((None if old is None else item_of(old), item_of(new)))

    def _charge(self, what, units):
        if units:
            self.units[what] = self.units.get(what, 0) + units


def kilobytes(stored):
    return 0 if stored is None else -(-attributes.size(stored) // KB)


def index_units(index, projection, old, new):
    names = [f"{index}_pk", f"{index}_sk"]

    def entry(stored):
        if stored is None or names[0] not in stored:
            return None
        return stored if projection == "ALL" else {name: stored[name] for name in ("PK", "SK", *names)}

    before, after = entry(old), entry(new)
    if before == after:
        return 0
    if before is not None and after is not None and all(before[name] == after[name] for name in names):
        return max(kilobytes(before), kilobytes(after))
    return kilobytes(before) + kilobytes(after)


class FakeIndex:
    """An index that finds what it is told to; the engine is no part of a write's price."""

    def __init__(self):
        self.version, self.segments = "i-0123456789abcdef", []

    def search(self, *_, **__):
        return self.segments

    def current(self, *, fresh=False):
        return OpenIndex(self, self.version)


def ordinary_evidence():
    """Of a song of three and a half minutes without a trace; one stretch stands out as one in a hundred does."""
    scores = [4.3 if at == 3 else 1.2 + at / 10 for at in range(11)]
    return evidence_of(scores, whole=1.3, last_s=12.48)


def ordinary_provenance():
    return Provenance("wav", Credentials("absent"), "read").to_json()


def analyse(_, features, __, ___):
    nothing = {"keys": np.zeros(0, np.uint32), "times": np.zeros(0, np.float32)}
    fingerprint = Fingerprint(pipeline=PIPELINE, duration_s=212.48, level_dbfs=-3.0, robust=None, **nothing)
    features.write_bytes(pack(fingerprint, ordinary_evidence(), ordinary_provenance()))
    return {
        "container": "wav",
        "codec": "pcm_s16le",
        "sample_rate": 44_100,
        "channels": 2,
        "bit_rate": 1_411_200,
        "lossless": True,
        "declared_duration_s": 212.5,
        "duration_s": 212.48,
        "complete": True,
        "silent": False,
        "problems": [],
    }


def sound(second):
    """A WAV file; ``second`` makes its bytes others."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes([second, 0]) * 8000)
    return file.getvalue()


class Deployment:
    """The use cases over moto, and the counters that the table's stream would feed."""

    def __init__(self, aws):
        self.aws = aws
        aws.items()
        aws.objects("uploads", "work")
        aws.events()
        queues = ("INGEST", "BACKFILL", "SCAN", "MATCH", "REGISTER", "REPORT")
        for name in queues:
            aws.queue(name)
        environment = {
            "RIGHTSCAN_BACKEND": "aws",
            "RIGHTSCAN_TABLE": "records",
            "RIGHTSCAN_EVENT_BUS": "rightscan",
            "RIGHTSCAN_UPLOADS_BUCKET": "uploads",
            "RIGHTSCAN_WORK_BUCKET": "work",
            **{
                f"RIGHTSCAN_{name}_QUEUE": shared_client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
                for name in queues
            },
        }
        self.index = FakeIndex()
        self.ports = replace(
            runtime.compose({**os.environ, **environment}),
            clock=ManualClock(sample.NOW),
            meter=runtime.SilentMeter(),
            analyse=analyse,
            index=self.index,
        )
        for row in [
            sample.recording(),
            *(sample.performer(f"P-{n}") for n in range(5)),
            *(sample.mandate(f"P-{n}") for n in range(5)),
            *(sample.lineup_entry(f"P-{n}", featured=n == 0) for n in range(5)),
        ]:
            self.ports.ledger.save_register_row(row)

    def find(self, *starts):
        self.index.segments = [
            Segment("R-0001", at, at + 20.0, at, at + 20.0, 9.5, 0.97, Modification((), 1.0, 0.0), (0.1, 0.1))
            for at in starts
        ]

    def bill(self, work):
        bill = Bill(shared_client("dynamodb"))
        try:
            work()
            for before, after in list(bill.changes):
                count_change(None if before is None else before.body, after.body, after.kind, self.ports)
        finally:
            bill.close()
        return bill

    def upload(self, key, second):
        metadata = {
            "rs-platform": "kbs2",
            "rs-channel": "%EC%A0%80%EB%85%81",
            "rs-posted-at": "2026-11-03T04%3A00%3A00Z",
        }
        info = self.ports.objects.put("uploads", key, sound(second), metadata=metadata)
        event = UploadEvent(
            ref=info.ref,
            name="ObjectCreated:Put",
            event_time=sample.NOW,
            size=info.size,
            sequencer="0055AED6DCD902",
        )
        return info.ref, event

    def through(self, key, second=1):
        """Take one upload through ingest and whatever the queues then ask for."""
        ref, event = self.upload(key, second)
        bill = self.bill(lambda: self.work(event))
        self.media_id = self.ports.ledger.upload(ref).media_id
        return bill

    def work(self, event):
        ingest(event, self.ports)
        for body in self.aws.receive("SCAN"):
            scan(ScanRequested.model_validate_json(body), self.ports, token="message-1")
        for body in self.aws.receive("MATCH"):
            match(MatchRequested.model_validate_json(body), self.ports)

    def sweep(self):
        """Compare the last upload with the index again."""
        request = MatchRequested(media_id=self.media_id, cause="sweep")
        return self.bill(lambda: match(request, self.ports))


# What stands in the README. The goal of the design is 10 for a clear scan.
MOST = {
    "clear scan": 18,
    "re-match that changes nothing": 1,
    "re-match that finds a recording": 10,
    "matched scan": 23,
    "second copy of a matched upload": 7,
}


def test_write_units(aws, capsys):
    deployment = Deployment(aws)
    bills = {"clear scan": deployment.through("방송/2026-11-03 아침 뉴스.mp4")}
    assert deployment.ports.ledger.media(deployment.media_id).state == "clear"
    (verdict,) = deployment.ports.ledger.verdicts(deployment.media_id)
    assert verdict.synthesis.axis_c == "none_found"
    assert len(verdict.synthesis.passages) == 1
    deployment.index.version = "i-1111111111111111"
    bills["re-match that changes nothing"] = deployment.sweep()
    deployment.index.version = "i-2222222222222222"
    deployment.find(30.0)
    bills["re-match that finds a recording"] = deployment.sweep()
    assert len(deployment.ports.ledger.uses(deployment.media_id)) == 1
    bills["matched scan"] = deployment.through("방송/2026-11-03 저녁 뉴스.mp4", second=2)
    assert deployment.ports.ledger.media(deployment.media_id).state == "matched"
    bills["second copy of a matched upload"] = deployment.through("copy.mp4", second=2)
    assert len(deployment.ports.ledger.uses(deployment.media_id)) == 2
    with capsys.disabled():
        for name, bill in bills.items():
            print(f"\n{name}: {bill.total} write units: {dict(sorted(bill.units.items()))}", end="")  # noqa: T201
    assert {name: bill.total for name, bill in bills.items() if bill.total > MOST[name]} == {}
