"""Adapters of one venue, each test's own: a module opens its market once, as ``market_of_the_module``."""

from __future__ import annotations

import pytest


@pytest.fixture
def empty(market_of_the_module):
    """An adapter without margin."""
    with market_of_the_module.undone() as market:
        yield market


@pytest.fixture
def market(empty, request):
    """An adapter with the module's ``MARGIN_USD`` and no position."""
    empty.deposit(request.module.MARGIN_USD)
    return empty
