"""A double of AWS KMS with one key: in memory, and over HTTP as AWS's own client speaks it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from coincurve import PrivateKey

from agent.execution.transaction import CURVE_ORDER
from tests.support.local_server import serving


class KmsDouble:
    """A key store in memory that gives what AWS KMS gives: DER without a parity, upper s as often as lower."""

    def __init__(self, secret: bytes, signing: bytes | None = None) -> None:
        self._public = PrivateKey(secret).public_key
        self._private = PrivateKey(signing or secret)
        self.is_upper = False

    def public_key(self) -> bytes:
        header = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200")
        return header + self._public.format(compressed=False)

    def sign(self, digest: bytes) -> bytes:
        packed = self._private.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(packed[:32], "big"), int.from_bytes(packed[32:64], "big")
        self.is_upper = not self.is_upper
        return der(r, CURVE_ORDER - s if self.is_upper else s)


def der(*numbers: int) -> bytes:
    content = b""
    for number in numbers:
        packed = number.to_bytes(number.bit_length() // 8 + 1, "big")
        content += bytes([2, len(packed)]) + packed
    return bytes([0x30, len(content)]) + content


@contextmanager
def kms_server(double: KmsDouble) -> Iterator[str]:
    """Serve a double as ``TrentService``, the name of KMS in its JSON protocol."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = answer_of(double, self.headers["X-Amz-Target"].removeprefix("TrentService."), asked)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with serving(Handler) as served:
        yield served


def answer_of(double: KmsDouble, action: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of one call; a key of another name is not there."""
    if asked["KeyId"] != "alias/keeper":
        return 400, {"__type": "NotFoundException", "message": f"{asked['KeyId']} is not found"}
    if action == "GetPublicKey":
        return 200, {"KeyId": asked["KeyId"], "PublicKey": base64.b64encode(double.public_key()).decode()}
    assert action == "Sign"
    assert (asked["MessageType"], asked["SigningAlgorithm"]) == ("DIGEST", "ECDSA_SHA_256")
    return 200, {"Signature": base64.b64encode(double.sign(base64.b64decode(asked["Message"]))).decode()}
