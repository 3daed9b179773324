"""A host as compose.yaml describes it, without containers: Redis, two replicas with the settings of compose.yaml, the simulated
tenant, and nginx with the files of config/nginx where compose.yaml puts them. Only ports, folders and addresses differ."""

import base64
import hashlib
import html.parser
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from settings import ROOT, SECRETS_FOLDER, compose_settings, load

BINARY = os.environ["ENTRADA_BIN"]
# The name that the tenant accepts as ours, and port 443, which curl is led away from.
HOST = "localhost"
PUBLIC_URL = f"https://{HOST}"
# Every client has an address of its own, and none is the proxy's.
PROXY = "127.0.0.1"
CLIENT = "127.0.0.2"
REDIRECT = "http://127.0.0.1:9/callback"
# Nothing takes this long; it ends what hangs.
GUARD_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind((PROXY, 0))
        return probe.getsockname()[1]


def eventually(what, holds):
    """Waits until `holds()` answers something true, and returns that."""
    end = time.monotonic() + GUARD_S
    while time.monotonic() < end:
        answer = holds()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((PROXY, port)) == 0


class Process:
    """A program in the background, its output in files."""

    def __init__(self, folder, name, command, environment=None):
        self.log, self.errors = folder / f"{name}.log", folder / f"{name}.err"
        with self.log.open("wb") as out, self.errors.open("wb") as err:
            self.child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=environment)

    def line(self, prefix):
        """What follows `prefix` in the line that begins with it."""
        def found():
            if self.child.poll() is not None:
                raise AssertionError(f"{self.child.args} ended:\n{self.log.read_text()}{self.errors.read_text()}")
            return re.search(rf"^{re.escape(prefix)}(\S*)\n", self.log.read_text(), re.M)
        return eventually(prefix, found)[1]

    def send(self, number):
        self.child.send_signal(number)

    def end(self, number=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(GUARD_S)


class Backend:
    """Redis, tenant and replicas."""

    def __init__(self):
        # nginx drops its rights, and has to read what is here all the same.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="entrada-deploy-"))
        self.folder.chmod(0o755)
        self.processes, self.ports = [], []
        self.secrets = {
            "admin-token": os.urandom(24).hex(),
            "encryption-keys": subprocess.check_output([BINARY, "keys", "new"], text=True).splitlines()[0],
        }
        redis = free_port()
        self.redis = f"redis://{PROXY}:{redis}/0"
        self.start("redis", ["redis-server", "--port", str(redis), "--bind", PROXY, "--save", "", "--appendonly", "no"])
        tenant = self.start("tenant", [BINARY, "tenant", "--port", "0"])
        tenant.line("ENTRADA_INSECURE_UPSTREAM=")
        self.tenant = dict(re.findall(r"^([A-Z_]+)=(.*)$", tenant.log.read_text(), re.M))
        self.secrets["azure-client-secret"] = self.tenant.pop("AZURE_CLIENT_SECRET")
        for name, value in self.secrets.items():
            (self.folder / name).write_text(value + "\n")
        eventually("Redis listens", lambda: listens(redis))

    def start(self, name, command, environment=None):
        process = Process(self.folder, name, command, environment)
        self.processes.append(process)
        return process

    def environment(self, values):
        """Settings of a file for operators, made to fit this machine: the tenant, Redis, and where secrets are."""
        placed = {name: value.replace(SECRETS_FOLDER, f"{self.folder}/") if name.endswith("_FILE") else value
                  for name, value in values.items()}
        return {"PATH": os.environ["PATH"], **placed, **self.tenant}

    def replica(self, name, **changes):
        values = self.environment(compose_settings(load("compose.yaml"), name))
        values |= {
            "ENTRADA_LISTEN": f"{PROXY}:0", "ENTRADA_ADMIN_LISTEN": f"{PROXY}:0", "ENTRADA_PUBLIC_URL": PUBLIC_URL,
            "ENTRADA_STORE": self.redis, "ENTRADA_SERVER__TRUSTED_PROXIES": PROXY, **changes,
        }
        process = self.start(name, [BINARY, "serve"], values)
        process.url = process.line("entrada listening on ")
        process.admin = process.line("operators: ")
        return process

    def close(self):
        for process in reversed(self.processes):
            process.end(signal.SIGKILL)
        shutil.rmtree(self.folder)


class Operator:
    """Who may turn switches, at one replica."""

    def __init__(self, backend, replica):
        self.url, self.token = replica.admin, backend.secrets["admin-token"]

    def switch(self, what, enabled):
        request = urllib.request.Request(
            f"{self.url}/{what}", json.dumps({"enabled": enabled}).encode(), method="PUT",
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=GUARD_S) as answer:
            return json.load(answer)


class Nginx:
    """nginx with the files that compose.yaml mounts, in a folder instead of /etc."""

    def __init__(self, backend, replicas, access="access-everybody.conf", edit=lambda text: text):
        self.backend = backend
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nginx-", dir=backend.folder))
        self.folder.chmod(0o755)
        self.plain, self.tls = free_port(), free_port()
        ports = [urllib.parse.urlsplit(replica.url).netloc for replica in replicas]
        changes = {
            "/etc/nginx/conf.d": "conf.d", "/etc/nginx/entrada": "entrada", "/etc/letsencrypt": "letsencrypt",
            "/var/www/acme": "acme", "/run/nginx.pid": "nginx.pid", "/run/secrets": "secrets",
            "/dev/stdout": "access.log", "/dev/stderr": "error.log",
        }
        self.changes = {old: str(self.folder / new) for old, new in changes.items()} | {
            "listen 80 ": f"listen {PROXY}:{self.plain} ", "listen 443 ": f"listen {PROXY}:{self.tls} ",
            "app-1:8080": ports[0], "app-2:8080": ports[1], "${PUBLIC_HOST}": HOST,
        }
        for name in ("conf.d", "entrada", "letsencrypt/live/entrada", "acme/.well-known/acme-challenge", "secrets", "temp"):
            (self.folder / name).mkdir(parents=True)
        for volume in load("compose.yaml")["services"]["nginx"]["volumes"]:
            source, _, target = re.sub(r"^\$\{\w+:-(.*?)\}", rf"./config/nginx/{access}", volume).partition(":")
            if source.startswith("./"):
                target = target.removesuffix(":ro").removesuffix(".template").replace("/templates/", "/conf.d/")
                self.place(source, target, edit)
        # Debian's defaults for these belong to its own service.
        paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        with (self.folder / "conf.d/http.conf").open("a") as http_conf:
            http_conf.writelines(f"{name}_temp_path {self.folder}/temp/{name};\n" for name in paths)
        self.process = backend.start(
            self.folder.name, ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"])
        eventually("port 80 listens", lambda: self.alive() and listens(self.plain))

    def place(self, source, target, edit):
        text = edit((ROOT / source).read_text())
        for old, new in self.changes.items():
            text = text.replace(old, new)
        pathlib.Path(target.replace("/etc/nginx", str(self.folder))).write_text(text)

    def alive(self):
        if self.process.child.poll() is not None:
            raise AssertionError(f"nginx ended:\n{self.process.errors.read_text()}")
        return True

    def certify(self, serial):
        """What certbot does: puts a certificate there and runs its hook. `serial` tells certificates apart."""
        live = self.folder / "letsencrypt/live/entrada"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-set_serial", str(serial),
             "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
             "-keyout", live / "privkey.pem", "-out", live / "fullchain.pem"], check=True, capture_output=True)
        hook = (ROOT / "config/nginx/certificate.sh").read_text()
        for old, new in self.changes.items():
            hook = hook.replace(old, new)
        subprocess.run(["sh", "-c", hook], check=True, env={**os.environ, "NGINX_PID": str(self.process.child.pid)})
        eventually("port 443 listens", lambda: self.alive() and listens(self.tls))

    def said(self):
        """Everything in its logs."""
        names = [self.folder / "access.log", self.folder / "error.log", self.process.log, self.process.errors]
        return "".join(name.read_text() for name in names if name.exists())

    def curl(self, url, *options, source=CLIENT, version="--http2"):
        """curl's command for a URL of ours, or a path of it."""
        url = PUBLIC_URL + url if url.startswith("/") else url
        # Without TLS, --http2 would mean the Upgrade to h2c.
        version = version if url.startswith("https:") else "--http1.1"
        return ["curl", "--silent", "--show-error", "--include", "--path-as-is", "--noproxy", "*", version,
                "--interface", source, "--cacert", str(self.folder / "letsencrypt/live/entrada/fullchain.pem"),
                "--connect-to", f"{HOST}:443:{PROXY}:{self.tls}", "--connect-to", f"{HOST}:80:{PROXY}:{self.plain}",
                "--header", "Expect:", *options, url]

    def ask(self, url, *options, **how):
        done = subprocess.run(self.curl(url, "--max-time", str(GUARD_S), *options, **how), capture_output=True, check=False)
        if done.returncode:
            raise ConnectionError(done.stderr.decode())
        return Answer(done.stdout)

    def post(self, path, body, *options, **how):
        """A POST of JSON."""
        return self.ask(path, "--json", json.dumps(body), *options, **how)


class Answer:
    def __init__(self, raw):
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.version, status = first.split(" ")[:2]
        self.status, self.text = int(status), body.decode(errors="replace")
        pairs = (line.partition(":") for line in lines)
        self.headers = {}
        for name, _, value in pairs:
            # The first of a name comes first: challenges stand on a line each.
            known = self.headers.get(name.lower())
            self.headers[name.lower()] = f"{known}, {value.strip()}" if known else value.strip()

    def json(self):
        return json.loads(self.text)


class Stream:
    """An event stream as curl gets it, while it is open."""

    def __init__(self, command):
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.guard = threading.Timer(GUARD_S, self.child.kill)
        self.guard.start()

    def until(self, words):
        """Reads on to the line with these words, in whatever case."""
        read = []
        for line in self.child.stdout:
            read.append(line.decode())
            if words in read[-1].lower():
                return read
        raise AssertionError(f"no {words!r} in the stream:\n{''.join(read)}{self.child.stderr.read().decode()}")

    def close(self):
        self.guard.cancel()
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        self.child.stderr.close()


class Forms(html.parser.HTMLParser):
    """The forms of a page: where each goes, and its fields."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag in ("input", "button") and self.forms and values.get("name"):
            self.forms[-1][1].setdefault(values["name"], values.get("value") or "")


def sign_in(nginx, user, service="mail-query", ours=()):
    """A client registers and a person lets it in, through the proxy; its access token. `ours`: options of curl for our
    own pages."""
    client = nginx.post("/register", {
        "client_name": "Behind a proxy", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    }).json()["client_id"]
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    resource = f"{PUBLIC_URL}/{service}/mcp"
    url = f"{PUBLIC_URL}/authorize?" + urllib.parse.urlencode({
        "response_type": "code", "client_id": client, "redirect_uri": REDIRECT, "state": "s", "resource": resource,
        "code_challenge": challenge, "code_challenge_method": "S256"})
    jar, fields = str(nginx.folder / f"cookies-{user}"), None
    for _ in range(20):
        options = ["--cookie", jar, "--cookie-jar", jar, *(ours if url.startswith(PUBLIC_URL) else ())]
        if fields is not None:
            origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
            options += ["--data", urllib.parse.urlencode(fields), "--header", f"Origin: {origin}"]
        answer, fields = nginx.ask(url, *options), None
        if "location" in answer.headers:
            url = urllib.parse.urljoin(url, answer.headers["location"])
            if url.startswith(REDIRECT):
                break
            continue
        forms = Forms(answer.text).forms
        asking = [form for form in forms if {"username", "decision"} & set(form[1])] or forms
        if not asking:
            raise AssertionError(f"no form at {url}: {answer.status}\n{answer.text}")
        action, fields = asking[0]
        url = urllib.parse.urljoin(url, action)
        fields |= {"username": user} if "username" in fields else {}
        fields |= {"decision": "approve"} if "decision" in fields else {}
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["code"][0]
    answer = nginx.ask("/token", "--data", urllib.parse.urlencode({
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": verifier,
        "client_id": client, "resource": resource}))
    return answer.json()["access_token"], code
