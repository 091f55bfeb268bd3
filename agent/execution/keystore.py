"""A key in an encrypted file (Web3 Secret Storage, version 3), as geth, Foundry and Clef keep it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from eth_account import Account

from agent.errors import DataError
from agent.execution.transaction import CURVE_ORDER
from agent.input_file import read_text

MIN_PASSWORD_LENGTH = 12
SECRET_BYTES = 32


def read_keystore(path: Path, password: str) -> bytes:
    """Return the secret of a keystore.

    Raises
    ------
    DataError
        No keystore, or not its password; the message repeats neither.

    """
    try:
        secret = bytes(Account.decrypt(read_text(path, absent="make one with 'evenkeel key new'"), password))
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        why = "its password is another" if "MAC mismatch" in str(error) else "it is no keystore of version 3"
        raise DataError(f"{path} cannot be opened: {why}") from None
    if len(secret) != SECRET_BYTES or not 0 < int.from_bytes(secret, "big") < CURVE_ORDER:
        raise DataError(f"{path} holds no private key of Ethereum; make one with 'evenkeel key new'")
    return secret


def write_keystore(path: Path, secret: bytes, password: str) -> None:
    """Write a new keystore that its owner alone can read; never over a file that is there.

    Raises
    ------
    DataError
        The file is there, the password is short, or the place cannot be written.

    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise DataError(f"the password has {len(password)} characters; take {MIN_PASSWORD_LENGTH} or more")
    content = json.dumps(Account.encrypt(secret, password))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DataError(f"{path} is there already, and may hold a key; choose another name") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; choose another place") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_password(path: Path) -> str:
    """Return the first line of a file.

    Raises
    ------
    DataError
        No file, an empty one, or one that is open to others (`_require_private`).

    """
    text = read_text(path, absent="write the keystore's password into it")
    _require_private(path)
    password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise DataError(f"{path} is empty; write the keystore's password into its first line")
    return password


def _require_private(path: Path) -> None:
    """Refuse a file that everybody may open, and one of this user's own that its group may, as OpenSSH refuses keys.

    A manager of secrets lends a file of its own: to a group, or as systemd does by an access list, which shows as one.
    """
    status = path.stat()
    refused = stat.S_IRWXO | (stat.S_IRWXG if status.st_uid == os.getuid() else 0)
    if status.st_mode & refused:
        mode = stat.S_IMODE(status.st_mode)
        raise DataError(f"{path} is open to others than its owner (mode {mode:03o}); run chmod 600 {path}")
