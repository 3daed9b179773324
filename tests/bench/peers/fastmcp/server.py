"""`query_email` on FastMCP and uvicorn, as its own documentation builds a server.

It knows one bearer, keeps it in memory and decrypts nothing, which is less than Entrada does.
"""

import os
import socket
from typing import Any

import httpx2
import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from fastmcp.tools import ToolResult

URL = os.environ["PEER_GRAPH_URL"]
TOKEN = os.environ["PEER_GRAPH_TOKEN"]
BEARER = os.environ["PEER_BEARER"]

mcp = FastMCP("peer", auth=StaticTokenVerifier({BEARER: {"client_id": "bench", "scopes": []}}))
http = httpx2.AsyncClient(trust_env=False)


@mcp.tool
async def query_email(days_back: int | None = None, max_mails: int | None = None) -> ToolResult:
    """Search the signed-in user's mail."""
    answer = await http.get(URL, headers={"Authorization": f"Bearer {TOKEN}"})
    answer.raise_for_status()
    messages: list[dict[str, Any]] = [
        {
            "id": mail["id"],
            "subject": mail["subject"],
            "from": mail["from"],
            "to_recipients": mail["toRecipients"],
            "received_date_time": mail["receivedDateTime"],
            "is_read": mail["isRead"],
            "has_attachments": mail["hasAttachments"],
            "importance": mail["importance"],
            "conversation_id": mail["conversationId"],
            "body_preview": mail["bodyPreview"],
            "web_link": mail["webLink"],
        }
        for mail in answer.json()["value"]
    ]
    text = "".join(
        f"- {mail['received_date_time']} **{mail['subject']}**\n  {mail['body_preview']}\n" for mail in messages
    )
    return ToolResult(content=text, structured_content={"messages": messages})


if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(f"peer listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    app = mcp.http_app(path="/mcp", json_response=True, stateless_http=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
