"""A key signs what it was asked and nothing else, wherever it is; what comes back from elsewhere is not believed."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest
import rlp
from eth_account import Account
from eth_utils.crypto import keccak

from agent.errors import DataError, FatalError
from agent.execution.fees import Fees
from agent.execution.keys import LocalKey, TypedData
from agent.execution.keystore import read_keystore, read_password, write_keystore
from agent.execution.kms_key import KmsKey, integers_of
from agent.execution.signer import load_signer
from agent.execution.transaction import CURVE_ORDER, DynamicFeeTransaction, Signature
from agent.units import Address, Wei
from tests.support.kms_double import KmsDouble, der

SECRET = b"\x11" * 32
THIEF = b"\x33" * 32
PASSWORD = "correct horse battery"
KEY = LocalKey(SECRET, "test key")
TO = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
ASKED = DynamicFeeTransaction(1, 7, TO, Wei(0), "0x1234", 1_000_000, Fees(Wei(41 * 10**9), Wei(10**9)))
TYPED = TypedData(
    {"name": "Evenkeel", "chainId": 1},
    {"Order": [{"name": "size", "type": "int256"}]},
    {"size": -5},
)


@pytest.mark.parametrize("data", ["0x", "0x1234", "0x" + "00" * 300])
@pytest.mark.parametrize(("nonce", "value"), [(0, 0), (7, 0), (128, 10**18)])
def test_local_key__transaction__is_byte_for_byte_what_eth_account_signs(data, nonce, value):
    asked = replace(ASKED, data=data, nonce=nonce, value=Wei(value))
    fields = {
        "type": 2,
        "chainId": asked.chain_id,
        "nonce": nonce,
        "to": TO,
        "value": value,
        "data": data,
        "gas": asked.gas_limit,
        "maxFeePerGas": asked.fees.max_fee_wei,
        "maxPriorityFeePerGas": asked.fees.priority_fee_wei,
    }
    expected = Account.from_key(SECRET).sign_transaction(fields)
    signed = KEY.sign_transaction(asked)
    assert signed.raw == "0x" + expected.raw_transaction.hex()
    assert signed.hash == "0x" + expected.hash.hex()


def test_require_signed__what_was_asked__is_returned():
    signed = KEY.sign_transaction(ASKED)
    assert ASKED.require_signed(signed.raw, KEY.address, "signer") == signed


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"chain_id": 2}, "chain id is 0x02, asked was 0x01"),
        ({"nonce": 8}, "nonce is 0x08, asked was 0x07"),
        ({"fees": Fees(Wei(41 * 10**9), Wei(2))}, "priority fee"),
        ({"fees": Fees(Wei(42 * 10**9), Wei(10**9))}, "max fee"),
        ({"gas_limit": 999_999}, "gas limit"),
        ({"to": KEY.address}, "recipient"),
        ({"value": Wei(1)}, "value is 0x01, asked was 0x"),
        ({"data": "0x1235"}, "data"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_require_signed__any_other_field__is_fatal(changed, field):
    other = KEY.sign_transaction(replace(ASKED, **changed))
    with pytest.raises(FatalError, match=f"signer signed another transaction: {field}"):
        ASKED.require_signed(other.raw, KEY.address, "signer")


def resigned(raw: str, change) -> str:
    """The same transaction after ``change`` of its decoded parts."""
    parts = list(rlp.decode(bytes.fromhex(raw[4:])))
    change(parts)
    return "0x02" + rlp.encode(parts).hex()


def test_require_signed__access_list_added__is_fatal():
    raw = resigned(KEY.sign_transaction(ASKED).raw, lambda parts: parts.__setitem__(8, [[b"\x01" * 20, []]]))
    with pytest.raises(FatalError, match="access list is 1 entries, asked was 0 entries"):
        ASKED.require_signed(raw, KEY.address, "signer")


def test_require_signed__another_key__is_fatal():
    stolen = LocalKey(THIEF, "thief").sign_transaction(ASKED)
    with pytest.raises(FatalError, match=r"signed with 0x.*, not with 0x"):
        ASKED.require_signed(stolen.raw, KEY.address, "signer")


def test_require_signed__upper_s__is_fatal():
    def flip(parts):
        parts[9] = b"" if parts[9] else b"\x01"
        parts[11] = (CURVE_ORDER - int.from_bytes(parts[11], "big")).to_bytes(32, "big")

    with pytest.raises(FatalError, match="EIP-2"):
        ASKED.require_signed(resigned(KEY.sign_transaction(ASKED).raw, flip), KEY.address, "signer")


@pytest.mark.parametrize(
    "raw", ["", "0x", "null", "0x02", "0x02c0", "0xf86b018504a817c800", "0x01" + "00" * 50, "0x02" + "ff" * 40]
)
def test_require_signed__no_transaction__is_fatal(raw):
    with pytest.raises(FatalError, match="signer answered no type-2 transaction"):
        ASKED.require_signed(raw, KEY.address, "signer")


def test_kms_key__either_s__is_brought_to_the_lower_and_recovers():
    key = KmsKey(KmsDouble(SECRET), "alias/keeper")
    assert key.address == KEY.address
    for nonce in range(20):
        asked = replace(ASKED, nonce=nonce)
        signed = key.sign_transaction(asked)
        assert Account.recover_transaction(signed.raw) == KEY.address
        assert signed == KEY.sign_transaction(asked)
    assert key.sign_typed(TYPED) == KEY.sign_typed(TYPED)


def test_kms_key__signed_by_another_key__is_fatal():
    with pytest.raises(FatalError, match="signed with another key"):
        KmsKey(KmsDouble(SECRET, THIEF), "alias/keeper").sign_transaction(ASKED)


def test_kms_key__key_on_another_curve__is_refused():
    double = KmsDouble(SECRET)
    p256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + b"\x01" * 64
    double.public_key = lambda: p256  # type: ignore[method-assign]
    with pytest.raises(DataError, match="ECC_SECG_P256K1"):
        KmsKey(double, "alias/keeper")


def test_kms_key__point_that_is_on_no_curve__is_refused_in_one_line():
    double = KmsDouble(SECRET)
    header = double.public_key()[:-65]
    double.public_key = lambda: header + b"\x04" + b"\x01" * 64
    with pytest.raises(DataError, match="AWS KMS key alias/keeper gave no public key"):
        KmsKey(double, "alias/keeper")


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x30",
        der(1),
        der(1, 2) + b"\x00",
        der(1, 2, 3),
        b"\x31" + der(1, 2)[1:],
        b"\x30\x06\x02\x01\x81\x02\x01\x01",
        b"\x30\x85\x02\x80" + b"\x01" * 128 + b"\x02\x01\x01",  # a length of the long form, read as of the short
    ],
)
def test_integers_of__no_signature__is_fatal(bad):
    with pytest.raises(FatalError, match="no DER signature"):
        integers_of(bad, "KMS")


def test_integers_of__numbers_of_any_width__are_read():
    for r, s in ((1, 2), (0x80, 0x7F), (CURVE_ORDER - 1, CURVE_ORDER // 2)):
        assert integers_of(der(r, s), "KMS") == (r, s)


def test_keystore__written__is_read_by_eth_account_and_by_its_owner_alone(tmp_path):
    path = tmp_path / "keeper.json"
    write_keystore(path, SECRET, PASSWORD)
    assert path.stat().st_mode & 0o777 == 0o600
    assert bytes(Account.decrypt(json.loads(path.read_text()), PASSWORD)) == SECRET
    assert SECRET.hex() not in path.read_text()
    with pytest.raises(DataError, match="is there already"):
        write_keystore(path, THIEF, PASSWORD)
    assert read_keystore(path, PASSWORD) == SECRET
    with pytest.raises(DataError, match="its password is another"):
        read_keystore(path, "wrong horse battery")


def test_write_keystore__written__is_on_the_disk_in_whole_before_it_counts(tmp_path, monkeypatch):
    """Money may be sent to the address at once: the key must survive the loss of power."""
    path, synchronised = tmp_path / "keeper.json", []
    monkeypatch.setattr("agent.execution.keystore.os.fsync", lambda _: synchronised.append(path.read_text()))
    write_keystore(path, SECRET, PASSWORD)
    assert synchronised == [path.read_text()]


def test_write_keystore__short_password__is_refused_and_nothing_written(tmp_path):
    with pytest.raises(DataError, match="11 characters; take 12 or more"):
        write_keystore(tmp_path / "keeper.json", SECRET, "x" * 11)
    assert not list(tmp_path.iterdir())
    write_keystore(tmp_path / "keeper.json", SECRET, "x" * 12)
    assert read_keystore(tmp_path / "keeper.json", "x" * 12) == SECRET


def test_write_keystore__no_such_directory__says_where_and_why(tmp_path):
    with pytest.raises(DataError, match=r"nowhere/keeper\.json: No such file or directory; choose another place"):
        write_keystore(tmp_path / "nowhere" / "keeper.json", SECRET, PASSWORD)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"version": 3}', "not json", '{"crypto": {"kdf": "none"}, "version": 3}']
)
def test_read_keystore__no_keystore__is_refused(tmp_path, content):
    path = tmp_path / "keeper.json"
    path.write_text(content)
    with pytest.raises(DataError, match="no keystore of version 3"):
        read_keystore(path, PASSWORD)


@pytest.mark.parametrize("secret", [bytes(32), SECRET[:31], b"\xff" * 32])
def test_read_keystore__content_is_no_private_key__is_refused(tmp_path, monkeypatch, secret):
    path = tmp_path / "keeper.json"
    write_keystore(path, SECRET, PASSWORD)
    monkeypatch.setattr("agent.execution.keystore.Account.decrypt", lambda *_: secret)
    with pytest.raises(DataError, match="holds no private key of Ethereum"):
        read_keystore(path, PASSWORD)


def test_read_password__first_line__without_its_end(tmp_path):
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\r\nnot this\n")
    path.chmod(0o600)
    assert read_password(path) == PASSWORD


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o602])
def test_read_password__open_to_others__is_refused(tmp_path, mode):
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    path.chmod(mode)
    with pytest.raises(DataError, match=rf"open to others than its owner \(mode {mode:o}\); run chmod 600") as caught:
        read_password(path)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_read_password__open_to_its_owner_alone__is_read(tmp_path, mode):
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    path.chmod(mode)
    assert read_password(path) == PASSWORD


@pytest.mark.parametrize(("mode", "is_read"), [(0o440, True), (0o444, False)])
def test_read_password__of_a_manager_of_secrets__may_be_its_groups(tmp_path, monkeypatch, mode, is_read):
    """A credential of systemd is root's, with an access list for the service's user: its mode is 440."""
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    path.chmod(mode)
    monkeypatch.setattr("agent.execution.keystore.os.getuid", lambda: path.stat().st_uid + 1)
    with nullcontext() if is_read else pytest.raises(DataError, match="mode 444"):
        assert read_password(path) == PASSWORD


def test_read_password__empty__is_refused(tmp_path):
    path = tmp_path / "password"
    path.write_text("\n")
    path.chmod(0o600)
    with pytest.raises(DataError, match="is empty"):
        read_password(path)


def test_load_signer__keystore__opens_with_a_password_or_its_file(tmp_path):
    path, file = tmp_path / "keeper.json", tmp_path / "password"
    write_keystore(path, SECRET, PASSWORD)
    file.write_text(PASSWORD)
    file.chmod(0o600)
    named = {"EVENKEEL_KEEPER_KEYSTORE": str(path)}
    by_password = load_signer({**named, "EVENKEEL_KEEPER_PASSWORD": PASSWORD}, 1)
    by_file = load_signer({**named, "EVENKEEL_KEEPER_PASSWORD_FILE": str(file)}, 1)
    assert by_password.address == by_file.address == KEY.address
    for both_or_none in ({}, {"EVENKEEL_KEEPER_PASSWORD": PASSWORD, "EVENKEEL_KEEPER_PASSWORD_FILE": str(file)}):
        with pytest.raises(DataError, match="one of the two"):
            load_signer({**named, **both_or_none}, 1)


def test_load_signer__two_keys__are_one_too_many():
    both = {"EVENKEEL_KEEPER_KEY": "0x" + SECRET.hex(), "EVENKEEL_KEEPER_KMS_KEY": "alias/keeper"}
    with pytest.raises(DataError, match="EVENKEEL_KEEPER_KEY and EVENKEEL_KEEPER_KMS_KEY are set") as caught:
        load_signer(both, 31_337)
    assert SECRET.hex() not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"EVENKEEL_KEEPER_SIGNER_URL": "127.0.0.1:9000"}, "EVENKEEL_KEEPER_SIGNER_URL is no URL"),
        ({"EVENKEEL_KEEPER_SIGNER_PROTOCOL": "vault"}, "choose one of web3signer, node, clef"),
        ({"EVENKEEL_KEEPER_ADDRESS": "0x1234"}, "no checksummed address"),
    ],
)
def test_load_signer__signer_misnamed__is_refused(more, words):
    with pytest.raises(DataError, match=words):
        load_signer({"EVENKEEL_KEEPER_SIGNER_URL": "http://127.0.0.1:9000", **more}, 1)


@pytest.mark.parametrize("packed", [b"\x00" * 65, b"\xff" * 65])
def test_signer_of__impossible_signature__says_so(packed):
    with pytest.raises(ValueError, match="no key has made this signature"):
        Signature.from_bytes(packed).signer_of(keccak(b"digest"))
