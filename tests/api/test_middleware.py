"""Who is let in, and what every answer carries."""

from __future__ import annotations

import base64
import errno
import gzip
import io
import json
import re
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.api import answers, legacy, legacy_pages
from engagement.api.clients import RateLimit
from engagement.api.middleware import has_token, is_known_host
from engagement.api.pages import rendering
from engagement.api.settings import hash_token

TOKEN = "a-token-of-some-length"  # noqa: S105 - the tests' own
PATHS = [
    "/devices",
    "/api/v1/drives",
    "/stats",
    "/metrics",
    "/api/openapi.json",
    "/nope",
    "/api/docs",
]


@pytest.mark.parametrize("path", [*PATHS, "/health"])
def test_every_answer_has_the_security_headers(client, path):
    headers = client.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert ("unsafe-inline" in policy) == (path == "/api/docs")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "192.168.1.7:80",
     "drives.example.org", "Drives.Example.ORG.:443"],
)  # fmt: skip
def test_the_servers_names_are_addresses_localhost_and_those_allowed(serve, host):
    client = serve(hosts=frozenset({"drives.example.org"}))

    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example.com", "localhost.evil.com", "127.0.0.1.nip.io",
     "drives.example.org.evil.com", "a b", "127.0.0.1:80:80", "localhost:999999", "[::1",
     "user@localhost", "localhost/", "*", "%6cocalhost", "1.2.3", "999.1.1.1"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/health", "/devices", "/nope"])
def test_any_other_host_is_refused(serve, host, path):
    client = serve(hosts=frozenset({"drives.example.org"}))

    response = client.get(path, headers={"host": host})

    assert response.status_code == 400
    assert response.json()["type"] == "urn:engagement:unknown-host"


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_no_text_is_a_host_by_accident(text):
    if is_known_host(text, frozenset()):
        assert re.fullmatch(r"(localhost\.?|[0-9.]+|\[[0-9a-f:.]+\])(:\d+)?", text.lower())
    assert is_known_host("name", frozenset({"*"}))


@pytest.mark.parametrize("path", PATHS)
def test_with_tokens_nothing_but_health_answers_without_one(serve, path):
    client = serve(token_hashes=frozenset({hash_token(TOKEN), hash_token("another-token-here")}))

    assert client.get("/health").status_code == 200
    refused = client.get(path)
    assert refused.status_code == 401
    assert 'Bearer realm="engagement"' in refused.headers["www-authenticate"]
    assert "Basic" in refused.headers["www-authenticate"]
    assert refused.json()["status"] == 401
    for given_token in (TOKEN, "another-token-here"):
        allowed = client.get(path, headers={"authorization": f"Bearer {given_token}"})
        assert allowed.status_code == (404 if path == "/nope" else 200)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Digest {TOKEN}",
     "Basic", "Basic !!!", "Basic " + base64.b64encode(TOKEN.encode()).decode(),
     "Basic " + base64.b64encode(f"{TOKEN}:".encode()).decode(), "Basic //79/Q==",
     f"Bearer {hash_token(TOKEN).hex()}", f"bearer\t{TOKEN}"],
)  # fmt: skip
def test_what_is_not_the_token_is_refused(serve, authorization):
    client = serve(token_hashes=frozenset({hash_token(TOKEN)}))

    response = client.get("/devices", headers={"authorization": authorization})

    assert response.status_code == 401


def test_a_browser_may_send_the_token_as_the_password_of_any_user(serve):
    client = serve(token_hashes=frozenset({hash_token(TOKEN)}))

    for user in ("", "me", "a:b"):
        response = client.get("/devices", auth=(user.replace(":", ""), TOKEN))
        assert response.status_code == 200


@given(st.text(max_size=50), st.text(max_size=50))
@settings(max_examples=200, deadline=None)
def test_only_the_token_itself_is_a_token(token, other):
    known = frozenset({hash_token("some other token"), hash_token(token)})

    assert has_token(f"Bearer {token}", known) == (hash_token(token.strip()) in known)
    assert has_token(f"bearer {other}", known) == (hash_token(other.strip()) in known)
    assert not has_token(f"Bearer {token}", frozenset())


def test_a_client_that_asks_too_often_is_told_to_wait_and_another_is_not(serve):
    client = serve(requests_per_s=0.5, burst=3)

    statuses = [client.get("/health").status_code for _ in range(5)]
    refused = client.get("/devices")

    assert statuses == [200, 200, 200, 429, 429]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert refused.json()["detail"] == "no more than 0.5 requests a second"


@given(
    per_s=st.floats(0.1, 100),
    burst=st.integers(1, 20),
    waits_s=st.lists(st.floats(0, 3), max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_a_limit_lets_through_what_it_says_and_no_more(per_s, burst, waits_s):
    now_s, n_allowed = 0.0, 0
    limit = RateLimit(per_s, burst, clock=lambda: now_s)

    for wait_s in waits_s:
        now_s += wait_s
        must_wait_s = limit.wait_s("someone")
        n_allowed += must_wait_s == 0
        assert n_allowed <= burst + now_s * per_s + 1e-6
        assert 0 <= must_wait_s <= 1 / per_s + 1e-9
    now_s += limit.wait_s("someone") + 1e-6
    while (must_wait_s := limit.wait_s("someone")) == 0:
        pass
    now_s += must_wait_s + 1e-6
    assert limit.wait_s("someone") == 0


def test_a_limit_forgets_clients_rather_than_grow():
    limit = RateLimit(0.001, 1)
    for number in range(30_000):
        assert limit.wait_s(f"client {number}") == 0

    assert len(limit._buckets) == 10_000
    assert limit.wait_s("client 29999") > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["/devices", "/api/v1/drives", "/api/v1/views/drives"])
def test_nothing_can_be_written(client, method, path):
    response = client.request(method, path)

    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"
    assert "GET" in response.headers["allow"]


def test_a_large_body_is_refused_unread(client):
    response = client.request("GET", "/devices", content=b"x" * 70_000)

    assert response.status_code == 413


def test_a_long_address_is_refused(client):
    assert client.get("/api/v1/drives", params={"device": "x" * 9000}).status_code == 414
    assert client.get("/" + "x" * 9000).status_code == 414


@pytest.mark.parametrize(
    "path", ["/devices", "/api/v1/drives", "/stats", "/api/v1/views/drives/csv"]
)
def test_head_has_the_headers_of_get_and_no_body(client, path):
    get, head = client.get(path), client.head(path)

    assert head.status_code == get.status_code == 200
    assert head.content == b""
    ours = dict(get.headers), dict(head.headers)
    assert ours[0] == ours[1]


@pytest.mark.parametrize(
    "path",
    ["/devices", "/devices/4d3c2b1a09f8e7d6", "/stats", "/api/v1/drives", "/api/v1/drives/1",
     "/api/v1/views", "/api/v1/glossary", "/api/v1/drives/1/samples", "/api/v1/drives/1/track"],
)  # fmt: skip
def test_what_the_client_has_is_not_sent_again(client, path):
    first = client.get(path)
    etag = first.headers["etag"]

    assert first.status_code == 200
    for known in (etag, f'"x", {etag}', etag.removeprefix("W/"), "*"):
        again = client.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert client.get(path, headers={"if-none-match": '"other"'}).content == first.content


@pytest.mark.parametrize(
    ("path", "status"),
    [("/devices/nope", 404), ("/api/v1/drives/nope", 404), ("/api/v1/drives?limit=0", 400),
     ("/api/v1/views/nope", 404), ("/api/v1/drives?cursor=x", 400), ("/api/v1/events/nope", 404),
     ("/api/v1/drives/1/samples?series=nope", 400)],
)  # fmt: skip
def test_a_known_etag_does_not_make_a_wrong_request_right(client, path, status):
    assert client.get(path, headers={"if-none-match": "*"}).status_code == status


def test_answers_are_packed_for_who_takes_them_packed(client):
    plain = client.get("/api/v1/glossary", headers={"accept-encoding": "identity"})
    packed = client.get("/api/v1/glossary", headers={"accept-encoding": "br, gzip"})
    small = client.get("/api/v1/bookmarks-that-are-not", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in small.headers


def test_csv_is_packed_and_parquet_is_not_packed_again(client):
    url = "/api/v1/views/state_intervals"
    with client.stream("GET", f"{url}/csv", headers={"accept-encoding": "gzip"}) as response:
        raw = b"".join(response.iter_raw())
    plain = client.get(f"{url}/csv", headers={"accept-encoding": "identity"}).content
    parquet = client.get(f"{url}/parquet", headers={"accept-encoding": "gzip"})

    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(raw)
    assert gzip.decompress(raw) == plain
    assert "content-encoding" not in parquet.headers


def test_other_sites_may_read_only_if_they_are_named(serve):
    client = serve(cors_origins=frozenset({"https://maps.example.org"}))
    ours, other = "https://maps.example.org", "https://evil.example.org"

    named = client.get("/devices", headers={"origin": ours})
    unnamed = client.get("/devices", headers={"origin": other})

    assert named.headers["access-control-allow-origin"] == ours
    assert "access-control-allow-origin" not in unnamed.headers
    assert "origin" in named.headers["vary"]
    assert "origin" in unnamed.headers["vary"]
    asked = {"access-control-request-method": "GET"}
    preflight = client.options("/devices", headers={"origin": ours, **asked})
    assert preflight.status_code == 204
    assert "GET" in preflight.headers["access-control-allow-methods"]
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    refused = client.options("/devices", headers={"origin": other, **asked})
    assert "access-control-allow-origin" not in refused.headers


def test_a_preflight_needs_no_token_and_gives_nothing_away(serve):
    origin = "https://maps.example.org"
    client = serve(cors_origins=frozenset({origin}), token_hashes=frozenset({hash_token(TOKEN)}))

    preflight = client.options(
        "/devices", headers={"origin": origin, "access-control-request-method": "GET"}
    )

    assert (preflight.status_code, preflight.content) == (204, b"")
    assert client.get("/devices", headers={"origin": origin}).status_code == 401


def test_each_request_is_a_line_of_json_in_the_access_log(serve):
    log = io.StringIO()
    client = serve(access_log=log, hosts=frozenset({"known"}))

    client.get("/devices", headers={"user-agent": 'me"\n{"forged": 1}'.replace("\n", " ")})
    client.get("/api/v1/drives", params={"device": "a\nb"})
    client.get("/nope", headers={"host": "evil"})
    client.head("/health")

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/devices", 200),
        ("GET", "/api/v1/drives", 200),
        ("GET", "/nope", 400),
        ("HEAD", "/health", 200),
    ]
    assert lines[1]["query"] == "device=a%0Ab"
    assert all(line["duration_ms"] > 0 and line["time"].endswith("+00:00") for line in lines)
    assert lines[0]["size_bytes"] > 100
    assert lines[3]["size_bytes"] == 0


def test_metrics_count_by_route_and_never_by_what_the_client_wrote(serve):
    client = serve()
    for path in ("/devices/a", "/devices/b", "/nope/one", "/nope/two", "/api/v1/views/drives"):
        client.get(path)

    text = client.get("/metrics").text

    name = "engagement_http_requests_total"
    assert f'{name}{{method="GET",route="/devices/{{device_id}}",status="404"}} 2.0' in text
    assert f'{name}{{method="GET",route="unmatched",status="404"}} 2.0' in text
    assert f'{name}{{method="GET",route="/api/v1/views/{{view}}",status="200"}} 1.0' in text
    assert "nope" not in text
    assert "engagement_database_usable 1.0" in text
    assert "engagement_database_generation 1.0" in text
    assert "engagement_http_requests_in_progress 1.0" in text


@given(path=st.text(min_size=1, max_size=30), query=st.dictionaries(st.text(), st.text()))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_path_and_query_has_an_answer_that_is_no_fault_of_ours(client, path, query):
    for prefix in ("/", "/devices/", "/api/v1/drives/", "/api/v1/views/", "/api/v1/events/"):
        response = client.get(prefix + quote(path, safe=""), params=query)
        assert response.status_code < 500, (prefix, path, query)


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [("gzip", True), ("GZIP", True), ("br, gzip;q=0.5", True), ("gzip ; q=1", True), ("*", True),
     ("gzip;q=0", False), ("gzip; q=0.000", False), ("br, gzip;q=0, *", False), ("*;q=0", False),
     ("", False), ("identity", False), ("notgzip", False), ("gzip;q=many", False)],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/api/v1/glossary", "/api/v1/views/drives/csv", "/static/style.css"]
)
def test_an_answer_is_packed_only_for_who_takes_gzip(client, path, accepted, is_packed):
    answer = client.get(path, headers={"accept-encoding": accepted})

    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == ("gzip" if is_packed else None)


@pytest.mark.parametrize("path", ["/", "/drives", "/quality", "/compare", "/devices", "/stats"])
def test_parameters_that_nothing_reads_make_no_answer_of_their_own(serve, path, monkeypatch):
    client = serve()
    addresses = set()
    original = answers.respond

    def respond(request, *arguments, **options):
        addresses.add(str(request.url))
        return original(request, *arguments, **options)

    for module in (rendering, legacy, legacy_pages):
        monkeypatch.setattr(module, "respond", respond)
    first = client.get(path)
    for number in range(5):
        again = client.get(path, params={"q": number, "utm_source": "x", "a[]": ["1", "2"]})
        assert (again.status_code, again.content) == (200, first.content)

    assert len(addresses) == 1


def test_the_order_of_parameters_makes_no_other_answer_either(serve, monkeypatch):
    client = serve()
    addresses = set()
    original = answers.respond

    def respond(request, *arguments, **options):
        addresses.add(request.url.query)
        return original(request, *arguments, **options)

    monkeypatch.setattr(rendering, "respond", respond)
    for query in ("?a=a%26b%3D&by=car", "?by=car&a=a%26b=&by=month"):
        assert client.get(f"/compare{query}").status_code == 200

    assert addresses == {"by=car&a=a%26b%3D"}


def test_the_access_log_has_the_address_as_it_was_sent(serve):
    log = io.StringIO()
    serve(access_log=log).get("/drives?q=1&number=1")

    assert json.loads(log.getvalue())["query"] == "q=1&number=1"


def test_a_log_that_can_t_be_written_keeps_no_answer_back(serve):
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    client = serve(access_log=Full())
    for _ in range(3):
        assert client.get("/health").status_code == 200
