"""Queues, the stream, the schedule and the buckets' notifications."""

from __future__ import annotations

import json

from template_document import target

from rightscan.records.messages import ScheduledReport


def work_queues(template):
    return set(template.of_type("AWS::SQS::Queue")) - template.dead_letter_queues()


def test_each_queue_has_a_dead_letter_queue_of_its_own(template):
    queues = template.of_type("AWS::SQS::Queue")
    of = {
        name: target(queues[name]["RedrivePolicy"]["deadLetterTargetArn"]) for name in work_queues(template)
    }
    assert of == {name: f"{name.removesuffix('Queue')}DeadLetterQueue" for name in of}
    assert {queues[name]["RedrivePolicy"]["maxReceiveCount"] for name in of} == {5}


def test_a_dead_letter_queue_belongs_to_a_queue_a_stream_or_a_schedule(template):
    owned = {f"{name.removesuffix('Queue')}DeadLetterQueue" for name in work_queues(template)}
    owned |= {
        target(event["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])
        for function in template.functions
        for event in template.events(function).values()
        if event["Type"] == "DynamoDB"
    }
    owned |= {
        target(schedule["Target"]["DeadLetterConfig"]["Arn"])
        for schedule in template.of_type("AWS::Scheduler::Schedule").values()
    }
    assert owned == template.dead_letter_queues()


def test_dead_letters_outlive_their_queue_and_stay_two_weeks(template):
    queues = template.of_type("AWS::SQS::Queue")
    for name in template.dead_letter_queues():
        assert queues[name]["MessageRetentionPeriod"] == 14 * 86400
        assert "RedrivePolicy" not in queues[name]
    for name in work_queues(template):
        assert queues[name]["MessageRetentionPeriod"] <= 14 * 86400


def test_each_queue_has_one_consumer_with_partial_failures_and_a_limit(template):
    sources = template.queue_sources()
    assert sorted(target(p["Queue"]) for _, _, p in sources) == sorted(work_queues(template))
    for function, name, properties in sources:
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"], (function, name)
        limit = properties["ScalingConfig"]["MaximumConcurrency"]
        if isinstance(limit, dict):
            limit = template.parameters[target(limit)]["Default"]
        assert 2 <= limit <= 1000, (function, name)
        assert set(properties) == {"Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig"}


def test_visibility_is_six_times_the_timeout(template):
    queues = template.of_type("AWS::SQS::Queue")
    for function, _, properties in template.queue_sources():
        timeout = template.functions[function]["Timeout"]
        assert queues[target(properties["Queue"])]["VisibilityTimeout"] == 6 * timeout, function


def test_batch_sizes(template):
    sizes = {target(p["Queue"]): p["BatchSize"] for _, _, p in template.queue_sources()}
    assert sizes["ScanQueue"] == sizes["ScanBackfillQueue"] == 1  # one file may take the whole time limit
    assert sizes["ReportQueue"] == 1
    assert all(1 <= size <= 10 for size in sizes.values())


def test_a_claim_ends_when_its_worker_must_have(template):
    scan = template.functions["ScanFunction"]
    assert template.environment("ScanFunction")["RIGHTSCAN_SCAN_LEASE_SECONDS"] == str(scan["Timeout"])


def test_live_and_backfill_share_no_queue(template):
    sources = {}
    for function, _, properties in template.queue_sources():
        limit = properties["ScalingConfig"]["MaximumConcurrency"]
        sources.setdefault(function, {})[target(properties["Queue"])] = limit
    for function, live, backfill in (
        ("IngestFunction", "IngestQueue", "BackfillQueue"),
        ("ScanFunction", "ScanQueue", "ScanBackfillQueue"),
        ("MatchFunction", "MatchQueue", "MatchBackfillQueue"),
    ):
        # The local runtime looks at a function's queues in this order.
        assert list(sources[function]) == [live, backfill]
        assert target(sources[function][backfill]) == "BackfillConcurrency"
        live_limit = template.parameters[target(sources[function][live])]
        assert template.parameters["BackfillConcurrency"]["Default"] < live_limit["Default"]
    # Nothing in the template sends to the backfill queue: only people do, through their role.
    notified = {
        target(configuration["Queue"])
        for bucket in template.of_type("AWS::S3::Bucket").values()
        for configuration in bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    }
    assert notified == {"IngestQueue", "RegisterQueue"}


def test_uploads_notify_everything_and_registrations_catalogue_files_only(template):
    buckets = template.of_type("AWS::S3::Bucket")
    (all_uploads,) = buckets["UploadsBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    assert (all_uploads["Event"], "Filter" in all_uploads) == ("s3:ObjectCreated:*", False)
    suffixes = set()
    for configuration in buckets["RegistrationsBucket"]["NotificationConfiguration"]["QueueConfigurations"]:
        rules = {rule["Name"]: rule["Value"] for rule in configuration["Filter"]["S3Key"]["Rules"]}
        assert rules["prefix"] == "catalogues/"
        suffixes.add(rules["suffix"])
    assert suffixes == {".xlsx", ".csv", ".jsonl"}


def test_the_bucket_may_send_before_it_is_told_to(template):
    # S3 refuses a notification to a queue that does not let it send.
    for bucket, policy in (
        ("UploadsBucket", "IngestQueuePolicy"),
        ("RegistrationsBucket", "RegisterQueuePolicy"),
    ):
        assert template.resources[bucket]["DependsOn"] == policy
        name = template.resources[bucket]["Properties"]["BucketName"]["Fn::Sub"]
        (allowed,) = [
            s
            for s in template.resources[policy]["Properties"]["PolicyDocument"]["Statement"]
            if s["Effect"] == "Allow"
        ]
        arn = f"arn:${{AWS::Partition}}:s3:::{name}"
        assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
        assert allowed["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"] == arn
        (key,) = [
            s
            for s in template.resources["DataKey"]["Properties"]["KeyPolicy"]["Statement"]
            if s["Principal"] == {"Service": "s3.amazonaws.com"}
        ]
        assert arn in [value["Fn::Sub"] for value in key["Condition"]["ArnEquals"]["aws:SourceArn"]]


def test_the_stream_reports_bisects_ends_and_leaves_out_the_counters_own_writes(template):
    streams = [
        event["Properties"]
        for function in template.functions
        for event in template.events(function).values()
        if event["Type"] == "DynamoDB"
    ]
    (stream,) = streams
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert 0 < stream["MaximumRetryAttempts"] <= 100
    assert stream["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    patterns = [json.loads(f["Pattern"]) for f in stream["FilterCriteria"]["Filters"]]
    assert patterns == [{"dynamodb": {"NewImage": {"kind": {"S": ["media"]}}}}]


def test_event_sources_are_of_known_types(template):
    types = {e["Type"] for function in template.functions for e in template.events(function).values()}
    assert types == {"SQS", "DynamoDB"}


def test_schedules_send_to_queues_retry_and_have_dead_letters(template):
    for name, schedule in template.of_type("AWS::Scheduler::Schedule").items():
        assert target(schedule["Target"]["Arn"]) in work_queues(template), name
        assert target(schedule["Target"]["DeadLetterConfig"]["Arn"]) in template.dead_letter_queues(), name
        assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] > 0, name
        assert schedule["ScheduleExpressionTimezone"] == "Asia/Seoul", name


def test_rules_have_dead_letters(template):
    # There are none yet; the first one will be held to this.
    for name, rule in template.of_type("AWS::Events::Rule").items():
        assert all("DeadLetterConfig" in entry for entry in rule["Targets"]), name


def test_the_monthly_report_asks_in_the_words_of_the_report_function(template):
    (schedule,) = template.of_type("AWS::Scheduler::Schedule").values()
    sent = schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "2026-11-01T18:00:00Z")
    asked = ScheduledReport.model_validate_json(sent)
    assert (asked.period, asked.request_id) == ("previous", "monthly-2026-11-01T18:00:00Z")
    assert asked.scheduled_at is not None
