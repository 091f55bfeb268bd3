"""Whose votes a token's are: the manifest's token, the call that delegates, and how it is shown."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.governance.governors import GovernorKind
from agent.governance.review import review
from agent.governance.votes import VOTES_TOKEN, book_of_votes, delegate_step, votes_token
from tests.support.governance import STRANGER, address, desk

TOKEN = address(0xB1)


def with_token(one):
    one.deployment.contracts[VOTES_TOKEN] = TOKEN
    return one


def test_votes_token__deployed_with_the_vault__is_the_manifests():
    assert votes_token(with_token(desk(GovernorKind.VOTES))) == TOKEN


def test_votes_token__not_in_the_manifest_and_no_node__is_one_line():
    with pytest.raises(DataError, match="this needs a node"):
        votes_token(desk(GovernorKind.VOTES))


def test_delegate_step__account__is_shown_as_what_it_does():
    step, one = delegate_step(TOKEN, STRANGER), desk(GovernorKind.VOTES)
    assert step.call.target == TOKEN
    assert step.call.data_hex == "0x5c19a95c" + STRANGER[2:].lower().zfill(64)  # delegate(address)
    shown = review([step.call], book_of_votes(one, TOKEN), one.state, are_transactions=True)
    assert (shown.decoded[0].contract, shown.decoded[0].function) == (VOTES_TOKEN, "delegate")
    assert shown.wait == 0
    assert shown.calls == (step.call,)
