"""What a month costs on AWS: ``python -m bench.cost_model`` prints the table that docs/deploy.md quotes.

Prices are list prices of Seoul (ap-northeast-2) in US dollars, without tax, free tier and discounts, as the
authors knew them in November 2026: check them against the AWS price list before you rely on a sum. Amounts per
file are assumptions, named one by one; ``--set name=value`` replaces any of them by a figure of your own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass

PRICES_OF = "2026-11"
GB = 1e9


@dataclass(frozen=True)
class Prices:
    """Dollars per unit."""

    lambda_x86_gb_s: float = 0.0000166667
    lambda_arm_gb_s: float = 0.0000133334
    lambda_requests_m: float = 0.20
    sqs_requests_m: float = 0.40
    dynamodb_writes_m: float = 0.6778
    dynamodb_reads_m: float = 0.1355
    dynamodb_gb_month: float = 0.27075
    dynamodb_pitr_gb_month: float = 0.2166
    s3_gb_month: float = 0.025
    s3_puts_k: float = 0.0045
    s3_gets_k: float = 0.00035
    events_m: float = 1.00
    logs_gb: float = 0.76
    kms_requests_10k: float = 0.03
    kms_key_month: float = 1.00
    secret_month: float = 0.40
    alarm_metric_month: float = 0.10
    custom_metric_month: float = 0.30
    ecr_gb_month: float = 0.10


@dataclass(frozen=True)
class Assumptions:
    """Per file of 3.5 minutes, unless said otherwise. Seconds are billed seconds of the function."""

    file_mb: float = 8.0
    """3.5 minutes at 320 kbit/s."""
    kept_months: float = 1.0
    """How many months of uploads lie in the bucket; storage grows by one month's worth every month."""
    matched_share: float = 0.3
    ingest_s: float = 1.0
    """Reads the whole object once for its hash, at some 80 MB/s, beside some 20 requests."""
    ingest_gb: float = 1769 / 1024
    scan_s: float = 4.0
    """3.2 CPU-seconds measured for both guarded children on 3.5 minutes of MP3; the rest is download and requests."""
    scan_gb: float = 3008 / 1024
    match_s: float = 1.5
    """Assumed for a catalogue of some 10,000 recordings; ``make bench`` measures the search itself."""
    match_gb: float = 3008 / 1024
    counters_s: float = 0.05
    counters_gb: float = 512 / 1024
    writes_clear: float = 18.0
    """Write units of a file without a match, as tests/contract/test_write_units.py counts them."""
    writes_matched: float = 23.0
    """The same with one match."""
    reads: float = 40.0
    """Read units, strongly consistent ones counted twice."""
    record_kb: float = 12.0
    features_mb: float = 0.18
    """Measured: 177 kB for 3.5 minutes."""
    gets: float = 6.0
    puts: float = 2.0
    sqs_requests: float = 9.0
    """Send, receive and delete in three queues."""
    log_kb: float = 3.0
    kms_requests: float = 6.0
    """Bucket keys and SQS's five-minute data keys spare most of them."""
    event_sources: float = 8.0
    idle_polls: float = 5 * 3 * 60 * 24 * 30.4
    """Requests a month of one event source that waits: five pollers, each asking every 20 seconds."""
    keys: float = 2.0
    alarm_metrics: float = 36.0
    """24 alarms; those over errors and throttles count two metrics each."""
    custom_metrics: float = 25.0
    images_gb: float = 0.6
    """Three images, compressed; their base is shared."""


Part = Callable[[Prices, Assumptions, float], float]

PARTS: dict[str, Part] = {
    "scan (Lambda, x86)": lambda p, a, n: n * _lambda(p, a.scan_s, a.scan_gb, p.lambda_x86_gb_s),
    "match (Lambda, x86)": lambda p, a, n: n * _lambda(p, a.match_s, a.match_gb, p.lambda_x86_gb_s),
    "ingest, counters (Lambda, arm)": lambda p, a, n: (
        n
        * (
            _lambda(p, a.ingest_s, a.ingest_gb, p.lambda_arm_gb_s)
            + _lambda(p, a.counters_s, a.counters_gb, p.lambda_arm_gb_s)
        )
    ),
    "table: writes": lambda p, a, n: (
        n
        * ((1 - a.matched_share) * a.writes_clear + a.matched_share * a.writes_matched)
        * p.dynamodb_writes_m
        / 1e6
    ),
    "table: reads": lambda p, a, n: n * a.reads * p.dynamodb_reads_m / 1e6,
    "table: storage, point-in-time recovery": lambda p, a, n: (
        n * a.kept_months * a.record_kb * 1e3 / GB * (p.dynamodb_gb_month + p.dynamodb_pitr_gb_month)
    ),
    "queues: messages": lambda p, a, n: n * a.sqs_requests * p.sqs_requests_m / 1e6,
    "queues: polling while idle": lambda p, a, n: a.event_sources * a.idle_polls * p.sqs_requests_m / 1e6,
    "S3: requests": lambda p, a, n: n * (a.puts * p.s3_puts_k + a.gets * p.s3_gets_k) / 1e3,
    "S3: uploads kept": lambda p, a, n: n * a.kept_months * a.file_mb * 1e6 / GB * p.s3_gb_month,
    "S3: features kept": lambda p, a, n: n * a.kept_months * a.features_mb * 1e6 / GB * p.s3_gb_month,
    "events": lambda p, a, n: n * p.events_m / 1e6,
    "logs": lambda p, a, n: n * a.log_kb * 1e3 / GB * p.logs_gb,
    "keys, secret": lambda p, a, n: (
        n * a.kms_requests * p.kms_requests_10k / 1e4 + a.keys * p.kms_key_month + p.secret_month
    ),
    "alarms, metrics, images": lambda p, a, n: (
        a.alarm_metrics * p.alarm_metric_month
        + a.custom_metrics * p.custom_metric_month
        + a.images_gb * p.ecr_gb_month
    ),
}


def _lambda(prices: Prices, seconds: float, memory_gb: float, gb_s: float) -> float:
    return seconds * memory_gb * gb_s + prices.lambda_requests_m / 1e6


def month(
    files: float, prices: Prices | None = None, assumptions: Assumptions | None = None
) -> dict[str, float]:
    """Dollars of one month by part.

    Args:
        files: uploads in the month.
        prices: list prices; default: those above.
        assumptions: amounts per file; default: those above.
    """
    prices, assumptions = prices or Prices(), assumptions or Assumptions()
    return {name: part(prices, assumptions, files) for name, part in PARTS.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=float, nargs="+", default=[1e4, 1e5, 1e6], help="files a month")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a price or an amount"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    told = parser.parse_args()
    changed = {name: float(value) for name, value in (entry.split("=", 1) for entry in told.set)}
    fields = {kind: {f.name for f in dataclasses.fields(kind)} for kind in (Prices, Assumptions)}
    unknown = sorted(set(changed) - fields[Prices] - fields[Assumptions])
    if unknown:
        parser.error(f"no price and no amount is called {', '.join(unknown)}")
    prices = Prices(**{k: v for k, v in changed.items() if k in fields[Prices]})
    assumptions = Assumptions(**{k: v for k, v in changed.items() if k in fields[Assumptions]})
    columns = [month(files, prices, assumptions) for files in told.files]
    if told.json:
        print(json.dumps({f"{files:.0f}": column for files, column in zip(told.files, columns, strict=True)}))
        return
    print(
        f"| US dollars a month, list prices of {PRICES_OF} | "
        + " | ".join(f"{f:,.0f} files" for f in told.files)
        + " |"
    )
    print("|---|" + "---:|" * len(columns))
    for name in PARTS:
        print(f"| {name} | " + " | ".join(f"{column[name]:,.2f}" for column in columns) + " |")
    sums = [sum(column.values()) for column in columns]
    print("| **sum** | " + " | ".join(f"**{total:,.2f}**" for total in sums) + " |")
    each = [f"{1e3 * total / files:,.3f}" for total, files in zip(sums, told.files, strict=True)]
    print("| per thousand files | " + " | ".join(each) + " |")


if __name__ == "__main__":
    main()
