"""Every test that takes ``backend`` runs once on the local adapters and once on the AWS ones over moto."""

from __future__ import annotations

import pytest
from backends_aws import aws_backend
from backends_local import local_backend

BACKENDS = {"local": local_backend, "aws": aws_backend}


@pytest.fixture(params=BACKENDS)
def backend(request):
    with BACKENDS[request.param]() as world:
        yield world
