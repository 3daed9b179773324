"""nginx with the project's files, in front of two replicas with the settings of compose.yaml."""

import base64
import http.client
import itertools
import json
import os
import secrets
import signal
import socket
import ssl
import struct
import subprocess
import unittest
import urllib.parse
import warnings

from settings import DEFAULTS
from stage import GUARD_S, HOST, PROXY, PUBLIC_URL, Backend, Nginx, Operator, Stream, eventually, listens, sign_in

ALICE = "alice@contoso.example"
METADATA = "/.well-known/oauth-authorization-server"
ENDPOINT = "/mail-query/mcp"
BOTH = "Accept: application/json, text/event-stream"
LEGACY = "MCP-Protocol-Version: 2025-11-25"
# Registrations per minute and address, and more than come back meanwhile.
BUDGET, MANY = 3, 12
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "behind-a-proxy", "version": "1"}}}
REGISTRATION = {"client_name": "one of many", "redirect_uris": ["https://client.example/cb"]}


class Shared:
    """Two replicas for all tests here that do not end them."""


def setUpModule():
    Shared.backend = Backend()
    unittest.addModuleCleanup(Shared.backend.close)
    limits = {"ENTRADA_LIMITS__REGISTER_PER_MINUTE": str(BUDGET)}
    Shared.replicas = [Shared.backend.replica(name, **limits) for name in ("app-1", "app-2")]


def handshake(port, version, name=HOST, ciphers="ALL:@SECLEVEL=0"):
    """TLS with exactly this version: the cipher agreed on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    with warnings.catch_warnings():
        # That TLS 1.1 is old is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with socket.create_connection((PROXY, port), GUARD_S) as plain, context.wrap_socket(plain, server_hostname=name) as secure:
        return secure.version(), secure.cipher()[0], secure.getpeercert(binary_form=True)


def directly(replica, path, source, body=None, **headers):
    """A request past nginx, from `source`."""
    address = urllib.parse.urlsplit(replica.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, GUARD_S, (source, 0))
    values = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        values["Content-Type"] = "application/json"
    connection.request("GET" if body is None else "POST", path, body and json.dumps(body), values)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


class Websocket:
    """Just enough of RFC 6455 for text over TLS."""

    def __init__(self, nginx, path, bearer):
        context = ssl.create_default_context(cafile=str(nginx.folder / "letsencrypt/live/entrada/fullchain.pem"))
        plain = socket.create_connection((PROXY, nginx.tls), GUARD_S)
        self.stream = context.wrap_socket(plain, server_hostname=HOST)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.stream.sendall((
            f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: mcp\r\nAuthorization: Bearer {bearer}\r\n\r\n").encode())
        self.file = self.stream.makefile("rb")
        self.head = "".join(line.decode() for line in iter(self.file.readline, b"\r\n"))

    def say(self, message):
        text, mask = json.dumps(message).encode(), secrets.token_bytes(4)
        masked = bytes(a ^ b for a, b in zip(text, itertools.cycle(mask)))
        self.stream.sendall(struct.pack(">BBH", 0x81, 0x80 | 126, len(text)) + mask + masked)

    def next(self):
        """The next text; pings pass by."""
        while True:
            first, length = self.file.read(2)
            length = {126: lambda: int.from_bytes(self.file.read(2)), 127: lambda: int.from_bytes(self.file.read(8))}.get(
                length, lambda: length)()
            text = self.file.read(length)
            if first & 0xF == 1:
                return json.loads(text)
            if first & 0xF == 8:
                raise AssertionError(f"closed: {text}")

    def close(self):
        self.file.close()
        self.stream.close()


class Behind(unittest.TestCase):
    """Tests with an nginx of their own."""
    access, backend, replicas = "access-everybody.conf", None, None

    @staticmethod
    def edit(text):
        return text

    @classmethod
    def stage(cls):
        cls.backend, cls.replicas = Shared.backend, Shared.replicas

    @classmethod
    def setUpClass(cls):
        cls.stage()
        cls.nginx = Nginx(cls.backend, cls.replicas, cls.access, cls.edit)
        cls.addClassCleanup(cls.nginx.process.end)
        cls.before_certificate = listens(cls.nginx.tls), cls.nginx.ask(f"http://{HOST}/").status
        cls.nginx.certify(1)

    def session(self, bearer):
        """Options of curl for a session that was just opened."""
        bearer = ["--header", f"Authorization: Bearer {bearer}", "--header", BOTH]
        opened = self.nginx.post(ENDPOINT, HELLO, *bearer)
        self.assertEqual(opened.status, 200, opened.text)
        options = [*bearer, "--header", LEGACY, "--header", f"Mcp-Session-Id: {opened.headers['mcp-session-id']}"]
        ready = self.nginx.post(ENDPOINT, {"jsonrpc": "2.0", "method": "notifications/initialized"}, *options)
        self.assertEqual(ready.status, 202, ready.text)
        return options


class Everybody(Behind):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bearer, cls.code = sign_in(cls.nginx, ALICE)

    def test_port_80_serves_challenges_and_leads_to_https(self):
        self.assertEqual(self.before_certificate, (False, 301), "port 80 alone before there is a certificate")
        (self.nginx.folder / "acme/.well-known/acme-challenge/token").write_text("token.thumbprint")
        found = self.nginx.ask(f"http://{HOST}/.well-known/acme-challenge/token")
        self.assertEqual((found.status, found.text), (200, "token.thumbprint"))
        self.assertEqual(self.nginx.ask(f"http://{HOST}/.well-known/acme-challenge/none").status, 404)
        for path in ("/mail-query/mcp?a=b", "/.well-known/acme-challenge/../../x"):
            moved = self.nginx.ask(f"http://{HOST}{path}", "--header", "Host: evil.example")
            self.assertEqual((moved.status, moved.headers["location"]), (301, f"{PUBLIC_URL}{path}"))

    def test_tls_1_2_and_1_3_with_forward_secrecy_and_nothing_older(self):
        port = self.nginx.tls
        self.assertEqual(handshake(port, ssl.TLSVersion.TLSv1_3)[0], "TLSv1.3")
        version, cipher, _ = handshake(port, ssl.TLSVersion.TLSv1_2)
        self.assertEqual((version, cipher.split("-")[0]), ("TLSv1.2", "ECDHE"))
        refused = {
            "TLSV1_ALERT_PROTOCOL_VERSION": dict(version=ssl.TLSVersion.TLSv1_1),
            "SSLV3_ALERT_HANDSHAKE_FAILURE": dict(version=ssl.TLSVersion.TLSv1_2, ciphers="AES128-SHA:@SECLEVEL=0"),
            "TLSV1_UNRECOGNIZED_NAME": dict(version=ssl.TLSVersion.TLSv1_3, name="other.example"),
        }
        for reason, how in refused.items():
            with self.assertRaises(ssl.SSLError) as caught:
                handshake(port, **how)
            self.assertEqual(caught.exception.reason, reason)

    def test_http_2_and_http_1_1(self):
        for option, version in (("--http2", "HTTP/2"), ("--http1.1", "HTTP/1.1")):
            answer = self.nginx.ask(METADATA, version=option)
            self.assertEqual((answer.version, answer.status, answer.json()["issuer"]), (version, 200, PUBLIC_URL))
            self.assertIn("strict-transport-security", answer.headers)
            self.assertNotIn("nginx/", answer.headers.get("server", ""))

    def test_events_arrive_while_the_stream_is_open_and_while_certificates_change(self):
        for serial, version in ((2, "--http2"), (3, "--http1.1")):
            stream = Stream(self.nginx.curl(ENDPOINT, "--no-buffer", *self.session(self.bearer), version=version))
            self.addCleanup(stream.close)
            head = stream.until("content-type:")
            self.assertIn(" 200", head[0])
            self.assertIn("text/event-stream", head[-1])
            self.nginx.certify(serial)
            _, _, certificate = eventually("the new certificate is served", lambda: (
                found if f"serial={serial:02X}" in serial_of((found := handshake(self.nginx.tls, ssl.TLSVersion.TLSv1_3))[2])
                else None))
            self.assertTrue(certificate)
            # One replica is told, and the stream may be at the other.
            operator = Operator(self.backend, self.replicas[0])
            for enabled in (False, True):
                operator.switch("services/mail-query/tools/list_mail_folders", enabled)
                stream.until("notifications/tools/list_changed")
            self.assertIsNone(stream.child.poll(), "the stream ended")

    def test_websockets_pass(self):
        websocket = Websocket(self.nginx, "/mail-query/ws", self.bearer)
        self.addCleanup(websocket.close)
        self.assertIn("101 ", websocket.head)
        websocket.say(HELLO)
        self.assertEqual(websocket.next()["result"]["protocolVersion"], "2025-11-25")
        for message in ({"jsonrpc": "2.0", "method": "notifications/initialized"},
                        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}):
            websocket.say(message)
        self.assertIn("query_email", json.dumps(websocket.next()))
        refused = Websocket(self.nginx, "/mail-query/ws", "nobody's")
        self.addCleanup(refused.close)
        self.assertIn(" 401 ", refused.head)

    def test_what_a_client_forges_has_no_effect(self):
        honest = self.nginx.ask(METADATA).text
        lies = ["--header", "X-Forwarded-Proto: http", "--header", "X-Forwarded-Host: evil.example", "--header",
                "Forwarded: for=6.6.6.6;host=evil.example;proto=http", "--header", "X-Real-IP: 6.6.6.6"]
        self.assertEqual(self.nginx.ask(METADATA, *lies).text, honest)
        refused = self.nginx.post(ENDPOINT, HELLO, *lies)
        self.assertEqual(refused.status, 401)
        self.assertIn(f'resource_metadata="{PUBLIC_URL}/', refused.headers["www-authenticate"])
        # A name that is not ours has no server: closed without an answer, or the proxy's own refusal.
        with self.assertRaises(ConnectionError):
            self.nginx.ask(METADATA, "--header", "Host: evil.example", version="--http1.1")
        # Another address in every request, and one budget all the same.
        answers = [self.nginx.post("/register", REGISTRATION, "--header", f"X-Forwarded-For: 6.6.6.{n}", *lies,
                                   source="127.0.0.5") for n in range(MANY)]
        self.assertEqual([answer.status for answer in answers[:BUDGET]], [201] * BUDGET)
        late = [answer for answer in answers if answer.status == 429]
        self.assertTrue(late and all("retry-after" in answer.headers for answer in late))
        self.assertEqual(self.nginx.post("/register", REGISTRATION, source="127.0.0.6").status, 201, "others have their own")

    def test_only_the_proxy_is_believed_and_only_in_one_thing(self):
        first = self.replicas[0]
        honest = self.nginx.ask(METADATA).text
        lies = {"X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example", "Forwarded": "proto=http;host=evil.example"}
        self.assertEqual(directly(first, METADATA, PROXY, **lies)[1], honest, "the proxy itself lies")
        for garbage in ("", "nobody", ", ,", "127.0.0.1, ,", "[::1", "1.2.3.4.5:99999", "x" * 4000):
            self.assertEqual(directly(first, METADATA, PROXY, X_Forwarded_For=garbage)[:2], (200, honest), garbage)
        # Past the proxy, and through a proxy that adds to the header instead of overwriting it.
        ways = {"127.0.0.7": "6.6.7.{}", PROXY: "6.6.8.{}, 127.0.0.8"}
        for source, forged in ways.items():
            statuses = [directly(first, "/register", source, REGISTRATION, X_Forwarded_For=forged.format(n))[0]
                        for n in range(MANY)]
            self.assertEqual(statuses[:BUDGET], [201] * BUDGET, source)
            self.assertIn(429, statuses, source)

    def test_a_body_that_is_too_large_is_refused_in_words(self):
        most = DEFAULTS["mcp"]["max_body_bytes"]
        file = self.nginx.folder / "body"
        bearer = ["--header", f"Authorization: Bearer {self.bearer}", "--header", BOTH]
        for size, code in ((most + 1024, "jsonrpc"), (most * 2, "error_description")):
            file.write_bytes(b'"' + b"x" * size + b'"')
            for version in ("--http2", "--http1.1"):
                answer = self.nginx.ask(ENDPOINT, *bearer, "--header", "Content-Type: application/json",
                                        "--data-binary", f"@{file}", version=version)
                self.assertEqual(answer.status, 413)
                self.assertIn("json", answer.headers["content-type"])
                self.assertIn(code, answer.json())

    def test_the_logs_hold_no_secret(self):
        self.assertEqual(self.nginx.post("/token?code=in-the-query", {}).status // 100, 4)
        said = self.nginx.said()
        self.assertIn('"POST /token HTTP/2.0" 4', said)
        for secret in (self.bearer, self.code, "in-the-query", "code_challenge"):
            self.assertNotIn(secret, said)


def serial_of(certificate):
    return subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=certificate,
                          capture_output=True, check=True).stdout.decode()


class Networks(Behind):
    access = "access-networks.conf"

    @staticmethod
    def edit(text):
        return text.replace("192.0.2.0/24", "127.0.0.2/32")

    def test_only_listed_networks_come_in(self):
        self.assertEqual(self.nginx.ask(METADATA).status, 200)
        for path in (METADATA, ENDPOINT, "/", "/health"):
            forged = ["--header", "X-Forwarded-For: 127.0.0.2", "--header", "X-Real-IP: 127.0.0.2"]
            self.assertEqual(self.nginx.ask(path, *forged, source="127.0.0.3").status, 403)
        self.assertEqual(self.nginx.ask(f"http://{HOST}/.well-known/acme-challenge/x", source="127.0.0.3").status, 404,
                         "the authority's challenges come from anywhere")


class Password(Behind):
    access = "access-password.conf"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input="long enough", text=True, capture_output=True, check=True)
        (cls.nginx.folder / "secrets/htpasswd").write_text(f"door:{made.stdout}")

    def test_the_pages_of_people_ask_for_it(self):
        pages = ("/authorize", "/oauth/authorize", "/mail-query/authorize", "/consent", "/account/connections", "/account",
                 "//authorize", "/%61uthorize", "/x/../authorize", "/authorize/")
        for page in pages:
            for options in ([], ["--user", "door:wrong"], ["--user", "other:long enough"]):
                refused = self.nginx.ask(page, *options)
                self.assertEqual((refused.status, refused.headers.get("www-authenticate")), (401, 'Basic realm="Entrada"'), page)
            self.assertNotEqual(self.nginx.ask(page, "--user", "door:long enough").status, 401, page)

    def test_clients_go_on_with_their_bearer(self):
        bearer, _ = sign_in(self.nginx, ALICE, ours=["--user", "door:long enough"])
        self.session(bearer)
        refused = self.nginx.post(ENDPOINT, HELLO)
        self.assertEqual(refused.status, 401)
        self.assertTrue(refused.headers["www-authenticate"].startswith("Bearer "), refused.headers)
        self.assertEqual(self.nginx.ask(METADATA).status, 200)


class Away(Behind):
    """Replicas that stop and die."""

    @classmethod
    def stage(cls):
        cls.backend = Shared.backend
        cls.replicas = [cls.backend.replica(name) for name in ("app-1", "app-2")]

    def test_nothing_is_noticed_of_one_and_words_are_found_for_both(self):
        first, second = self.replicas
        first.send(signal.SIGTERM)
        statuses = []
        # It drains: "not ready" first, then the listener is closed and the process ends.
        while first.child.poll() is None:
            statuses.append(self.nginx.ask(METADATA).status)
        self.assertEqual(first.child.returncode, 0)
        statuses += [self.nginx.ask(METADATA).status for _ in range(10)]
        self.assertEqual(set(statuses), {200}, statuses)
        second.end(signal.SIGKILL)
        away = self.nginx.ask(METADATA)
        self.assertEqual((away.status, away.json()["error"]), (503, "temporarily_unavailable"))
        self.assertGreater(int(away.headers["retry-after"]), 0)


if __name__ == "__main__":
    unittest.main(failfast=bool(os.environ.get("FAILFAST")))
