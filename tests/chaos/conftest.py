"""The stage of the campaign, one for all tests of it."""

from __future__ import annotations

import pytest

from tests.chaos.campaign import stage as open_stage


@pytest.fixture(scope="session")
def stage():
    """A world with three servers, and what forks keepers in it."""
    with open_stage() as opened:
        yield opened
