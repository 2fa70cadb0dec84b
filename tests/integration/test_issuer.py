"""Tokens of an OAuth issuer elsewhere: which come in, as whom, and where clients learn of the issuer."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ledger import identity
from ledger.settings import Settings
from tests.support.http_client import HttpServer, serving
from tests.support.mcp_client import RefusedByTool

pytestmark = pytest.mark.processes

PUBLIC = "https://ledger.example/mcp"
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


class Keys(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
        body = json.dumps({"keys": [{**key, "kid": "first", "use": "sig", "alg": "ES256"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, dsn: str, issuer: str) -> Iterator[HttpServer]:
    root = tmp_path_factory.mktemp("issued")
    identity.create(root)
    settings = Settings(project=root, dsn=dsn, home=root / "home", pgdata=root / "unused")
    with serving(settings, root, "--issuer", issuer, "--public-url", PUBLIC) as server:
        yield server


def stated(issuer: str, **changed: Any) -> dict[str, Any]:
    claims = {"iss": issuer, "aud": PUBLIC, "sub": "olga", "exp": int(time.time()) + 60, "scope": "openid read write"}
    return {name: value for name, value in {**claims, **changed}.items() if value is not None}


def signed(claims: dict[str, Any], key: Any = KEY, kid: str = "first", algorithm: str = "ES256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def test_a_good_token_comes_in_as_its_subject_with_its_scope(guarded: HttpServer, issuer: str) -> None:
    token = signed(stated(issuer))

    made = guarded.call(token, "create_work_item", item_type="task", title="Issued", detail=True)
    with pytest.raises(RefusedByTool) as refused:
        guarded.call(token, "archive_work_items", action="archive")

    assert made["created_by"] == "olga"
    assert refused.value.code == "forbidden"


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1},
        {"exp": None},
        {"aud": "https://other.example/mcp"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"sub": None},
        {"sub": "x" * 101},
        {"sub": "line\nbreak"},
        {"scope": "openid"},
        {"scope": None},
        {"ledger": "c9b51e51-eaf0-422a-88e3-b1d06ef67af5"},
        {"ledger": "none"},
        {"nbf": 4_102_444_800},
    ],
    ids=str,
)
def test_a_token_that_says_anything_else_does_not(guarded: HttpServer, issuer: str, changed: dict[str, Any]) -> None:
    assert guarded.ask(signed(stated(issuer, **changed)), "tools/list", {}).status == 401


def test_a_token_that_ended_just_now_does_not_though_clocks_may_differ(guarded: HttpServer, issuer: str) -> None:
    assert guarded.ask(signed(stated(issuer, exp=int(time.time()) - 5)), "tools/list", {}).status == 401


def test_a_token_with_another_signature_does_not(guarded: HttpServer, issuer: str) -> None:
    published = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))["x"]
    forged = [
        signed(stated(issuer), OTHER),
        signed(stated(issuer), published, algorithm="HS256"),  # a published key is no secret
        jwt.encode(stated(issuer), "", algorithm="none", headers={"kid": "first"}),
        signed(stated(issuer))[:-4] + "AAAA",
    ]

    assert [guarded.ask(token, "tools/list", {}).status for token in forged] == [401] * 4


def test_strangers_do_not_make_the_server_ask_the_issuer_again_and_again(guarded: HttpServer, issuer: str) -> None:
    guarded.ask(signed(stated(issuer)), "tools/list", {})
    before = Keys.asked

    for number in range(5):
        guarded.ask(signed(stated(issuer), OTHER, kid=f"unknown {number}"), "tools/list", {})

    assert Keys.asked <= before + 1


def test_a_client_without_a_token_learns_where_they_come_from(guarded: HttpServer, issuer: str) -> None:
    refused = guarded.ask(None, "tools/list", {})
    path = "/.well-known/oauth-protected-resource/mcp"
    metadata = json.loads(guarded.send("GET", None, None, path=path).body)

    assert f'resource_metadata="https://ledger.example{path}"' in refused.headers["www-authenticate"]
    assert metadata["resource"] == PUBLIC
    assert [url.rstrip("/") for url in metadata["authorization_servers"]] == [issuer]
    assert metadata["scopes_supported"] == ["read", "write", "admin"]


def test_the_log_says_why_and_never_what(guarded: HttpServer, issuer: str) -> None:
    secret = signed(stated(issuer, exp=1))
    guarded.ask(secret, "tools/list", {})

    said = guarded.log.read_text()

    assert "ExpiredSignatureError" in said
    assert secret.rpartition(".")[2] not in said
