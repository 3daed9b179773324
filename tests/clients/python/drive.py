"""Drives the Python SDK against the fixture service and against mail-query; the steps are those of steps.mjs.

BASE=... SERVER_LOG=... python drive.py legacy|sse|modern
"""

import contextlib
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ResourceUpdated, SubscriptionLost, ToolsListChanged
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

USER = "alice@contoso.example"
WATCHED = "test://watched-resource"
REDIRECT = "http://127.0.0.1:9/python"
TOOLS_CHANGED = "tools"
SIMPLE = "This is a simple text response for testing."
LIMIT_S = 30
ERAS = {
    "legacy": ("legacy", "legacy", "mcp", "2025-11-25"),
    "sse": ("HTTP+SSE", "legacy", "sse", "2025-11-25"),
    "auto": ("modern (auto)", "auto", "mcp", "2026-07-28"),
    "pin": ("modern (pin)", "2026-07-28", "mcp", "2026-07-28"),
}
ERA, MODE, PATH, VERSION = ERAS[sys.argv[1]]
MODERN = VERSION == "2026-07-28"
BASE = os.environ["BASE"]


def tell(step, outcome, detail):
    line = " ".join(str(detail).split()).replace("|", "/")[:300]
    print(" | ".join(["step", "Python SDK", ERA, step, outcome, line]), flush=True)


class Person:
    """Keeps what OAuth needs, and signs in through the pages; the browser is that of the other clients."""

    def __init__(self):
        self.tokens = None
        self.client = None
        self.sign_ins = 0
        self.landed = {}

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client

    async def redirect(self, url):
        self.sign_ins += 1
        script = Path(__file__).parents[2] / "support" / "sign-in.mjs"
        done = await anyio.run_process(["node", str(script), url, USER], stderr=subprocess.PIPE)
        self.landed = {name: values[0] for name, values in parse_qs(urlsplit(done.stdout.decode().strip()).query).items()}

    async def callback(self):
        return AuthorizationCodeResult(code=self.landed["code"], state=self.landed["state"], iss=self.landed["iss"])

    def auth(self, url):
        metadata = OAuthClientMetadata(
            client_name="Python SDK in the tests", redirect_uris=[REDIRECT], token_endpoint_auth_method="none"
        )
        return OAuthClientProvider(url, metadata, self, self.redirect, self.callback)


class Peer:
    """A client that keeps what it hears, and that can be opened again."""

    def __init__(self, service):
        self.url = f"{BASE}/{service}/{PATH}"
        self.person = Person()
        self.auth = self.person.auth(self.url)
        self.heard = []
        self.session_id = None

    async def hear(self, message):
        if isinstance(message, types.ToolListChangedNotification):
            self.heard.append(TOOLS_CHANGED)
        elif isinstance(message, types.ResourceUpdatedNotification):
            self.heard.append(str(message.params.uri))

    async def answer(self, _context, params):
        field = next(iter(params.requested_schema["properties"]))
        return types.ElicitResult(action="accept", content={field: "Ada"})

    async def note_session(self, response):
        self.session_id = response.headers.get("mcp-session-id", self.session_id)

    @contextlib.asynccontextmanager
    async def open(self):
        """Connects; the SDK itself signs in when the server wants that."""
        async with contextlib.AsyncExitStack() as stack:
            if PATH == "sse":
                transport = sse_client(self.url, auth=self.auth)
            else:
                http = httpx2.AsyncClient(
                    auth=self.auth, timeout=httpx2.Timeout(30, read=300), event_hooks={"response": [self.note_session]}
                )
                transport = streamable_http_client(self.url, http_client=await stack.enter_async_context(http))
            self.client = await stack.enter_async_context(
                Client(transport, mode=MODE, message_handler=self.hear, elicitation_callback=self.answer)
            )
            yield self

    async def text(self, tool, arguments=None, **options):
        result = await self.client.call_tool(tool, arguments or {}, **options)
        return "".join(getattr(part, "text", "") for part in result.content), result

    async def hears(self, tool, message):
        """Calls the tool that announces a change until this client hears of it."""
        before = len(self.heard)
        while message not in self.heard[before:]:
            await self.text(tool)
            await anyio.sleep(0.1)


def cancelled_calls():
    """Calls that the server stopped because they were cancelled: the line that REQUEST-LOG.md documents."""
    lines = Path(os.environ["SERVER_LOG"]).read_text().splitlines()
    return sum('"tool refused"' in line and '"slow_compute"' in line and '"cancelled"' in line for line in lines)


async def cut():
    async with httpx2.AsyncClient() as http:
        assert (await http.post(f"{BASE}/.forwarder/cut")).status_code == 200


async def connect(peer):
    # A pinned version asks nothing on connecting; the first request is what needs the sign-in.
    await peer.client.list_tools()
    assert peer.client.protocol_version == VERSION, peer.client.protocol_version
    assert peer.person.sign_ins == 1
    assert peer.person.client.client_id.startswith("dcr_")
    return f"{VERSION}, registered, signed in"


async def listing(peer):
    tools = (await peer.client.list_tools()).tools
    prompts = (await peer.client.list_prompts()).prompts
    resources = (await peer.client.list_resources()).resources
    assert len(tools) >= 35 and any(tool.name == "test_simple_text" for tool in tools), len(tools)
    assert any(prompt.name == "test_simple_prompt" for prompt in prompts)
    assert any(str(resource.uri) == WATCHED for resource in resources)
    assert (await peer.client.get_prompt("test_simple_prompt")).messages
    read = await peer.client.read_resource("test://static-text")
    assert read.contents[0].text == "This is the content of the static text resource."
    return f"{len(tools)} tools, {len(prompts)} prompts, {len(resources)} resources; one of each read"


async def mail(_peer):
    async with Peer("mail-query").open() as peer:
        _, result = await peer.text("query_email", {"start_date": "2000-01-01", "max_mails": 50})
        assert not result.is_error, result
        subjects = json.dumps(result.structured_content).count('"subject"')
        assert subjects > 3, subjects
        return f"{subjects} mails of {USER.split('@')[0]}"


async def call(peer):
    assert (await peer.text("test_simple_text"))[0] == SIMPLE
    assert (await peer.text("test_custom_header", {"region": "서울"}))[0] == "Region: 서울"
    assert (await peer.text("test_error_handling"))[1].is_error
    return "text, an argument that travels in a header too, an error"


async def progress(peer):
    seen = []

    async def note(progress, total, _message):
        seen.append((progress, total))

    await peer.text("test_tool_with_progress", progress_callback=note)
    assert seen == [(0, 100), (50, 100), (100, 100)], seen
    return ", ".join(f"{int(done)}/{int(total)}" for done, total in seen)


async def cancel(peer):
    before = cancelled_calls()
    with anyio.move_on_after(0.5) as scope:
        await peer.text("slow_compute", {"seconds": 25, "label": "cancel"})
    assert scope.cancelled_caught
    while cancelled_calls() == before:
        await anyio.sleep(0.05)
    assert (await peer.text("test_simple_text"))[0] == SIMPLE
    return "rejected here, stopped there, next call answered"


async def subscribe(peer):
    if MODERN:
        async with peer.client.listen(tools_list_changed=True, resource_subscriptions=[WATCHED]) as changes:
            assert changes.honored.tools_list_changed and changes.honored.resource_subscriptions == [WATCHED]
            await peer.text("test_trigger_tool_change")
            assert isinstance(await anext(changes), ToolsListChanged)
            await peer.text("test_trigger_resource_change")
            assert await anext(changes) == ResourceUpdated(uri=WATCHED)
        return "changes of list and resource arrive"
    await peer.client.subscribe_resource(WATCHED)
    await peer.hears("test_trigger_tool_change", TOOLS_CHANGED)
    await peer.hears("test_trigger_resource_change", WATCHED)
    await peer.client.unsubscribe_resource(WATCHED)
    before = len(peer.heard)
    await peer.text("test_trigger_resource_change")
    await peer.hears("test_trigger_tool_change", TOOLS_CHANGED)
    assert WATCHED not in peer.heard[before:]
    return "changes of list and resource arrive, and after unsubscribing none"


async def elicit(peer):
    if MODERN:
        text, _ = await peer.text("test_input_required_result_elicitation")
    else:
        text, _ = await peer.text("test_elicitation", {"message": "Who are you?"})
    assert "Ada" in text, text
    return text


async def refresh(peer):
    kept = peer.person.tokens
    # What the SDK does when the clock says that the access token is over.
    peer.auth.context.token_expiry_time = 1.0
    assert (await peer.text("test_simple_text"))[0] == SIMPLE
    assert peer.person.tokens.access_token != kept.access_token
    assert peer.person.tokens.refresh_token != kept.refresh_token
    assert peer.person.sign_ins == 1
    return "an expired access token is replaced without a sign-in"


async def cut_while_connected(peer):
    """The part of `reconnect` that one connection survives."""
    if MODERN:
        try:
            async with peer.client.listen(tools_list_changed=True) as changes:
                await cut()
                await anext(changes)
            raise AssertionError("the cut went unnoticed")
        except SubscriptionLost:
            pass
        async with peer.client.listen(tools_list_changed=True) as changes:
            await peer.text("test_trigger_tool_change")
            assert isinstance(await anext(changes), ToolsListChanged)
        return "listen stream cut: told, and it listens again"
    if PATH == "sse":
        return "the session is its stream"
    text, _ = await peer.text("test_reconnection")
    assert "completed successfully" in text
    await cut()
    await peer.hears("test_trigger_tool_change", TOOLS_CHANGED)
    headers = {"authorization": f"Bearer {peer.person.tokens.access_token}", "mcp-session-id": peer.session_id}
    async with httpx2.AsyncClient() as http:
        assert (await http.delete(peer.url, headers=headers)).status_code in (200, 204)
    try:
        await peer.text("test_simple_text")
        raise AssertionError("the ended session still answers")
    except Exception as error:
        assert "ended session" not in str(error), error
    return "answer fetched after the server closed its stream; stream cut: the SDK opens it again"


async def step(name, run, *arguments):
    try:
        with anyio.fail_after(LIMIT_S):
            tell(name, "ok", await run(*arguments))
    except Exception as error:
        tell(name, "FAILED", repr(error))
        traceback.print_exc()


async def main():
    peer = Peer("conformance")
    told = []

    async def first():
        async with peer.open():
            await step("connect", connect, peer)
            for name, run in [
                ("list", listing), ("mail", mail), ("call", call), ("progress", progress), ("cancel", cancel),
                ("subscribe", subscribe), ("elicit", elicit), ("refresh", refresh),
            ]:
                await step(name, run, peer)
            with anyio.fail_after(LIMIT_S):
                told.append(await cut_while_connected(peer))

    async def again():
        # The connection is left when everything else was shown, because its end is part of the step.
        await first()
        async with peer.open():
            assert (await peer.text("test_simple_text"))[0] == SIMPLE
            assert peer.person.sign_ins == 1
        return "; ".join([*told, "a new connection needs no second sign-in"])

    with anyio.move_on_after(8 * LIMIT_S):
        try:
            tell("reconnect", "ok", await again())
        except BaseException as error:
            tell("reconnect", "FAILED", repr(error))
            traceback.print_exc()


anyio.run(main)
