"""The official `openai` package for Python against a running server, as an application uses it. One line per step:
step | CLIENT | SERVER | STEP | ok or FAILED | detail

BASE=... KEY=... python drive.py rules|model
"""

import json
import os
import sys
import traceback

import openai

BASE, KEY = os.environ["BASE"], os.environ["KEY"]
ANSWERS = sys.argv[1]
MODEL = "mail-query"
QUERY = "query_email " + json.dumps({"limit": 3, "days_back": 3650})
# Its answer has no cursor, which would be drawn anew each time.
FOLDERS = "list_mail_folders {}"
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
# As Open WebUI and its like are set up: a base URL and a key, and nothing else.
client = openai.OpenAI(base_url=f"{BASE}/{MODEL}/v1", api_key=KEY)
failed = False


def user(content):
    return [{"role": "user", "content": content}]


def chat(content="x", who=client, **more):
    return who.chat.completions.create(**{"model": MODEL, "messages": user(content), **more})


def step(name):
    def run(body):
        global failed
        try:
            outcome, detail = "ok", body()
        except Exception as error:
            traceback.print_exc()
            outcome, detail, failed = "FAILED", error, True
        line = " ".join(str(detail).split()).replace("|", "/")[:200]
        print(" | ".join(["step", "openai for Python", ANSWERS, name, outcome, line]), flush=True)

    return run


def streamed(content):
    text, usage, reason, results = "", None, None, []
    for chunk in chat(content, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            results += (choice.delta.model_extra or {}).get("tool_results", [])
            reason = choice.finish_reason or reason
    return text, usage, reason, results


def refused(kind, status, call):
    try:
        call()
    except kind as error:
        assert error.status_code == status, error
        return error
    raise AssertionError("nothing was raised")


@step("models")
def _():
    ids = [model.id for model in client.models.list()]
    assert ids == [MODEL], ids
    assert client.models.retrieve(MODEL).owned_by == "entrada"
    return ids


if ANSWERS == "rules":

    @step("chat")
    def _():
        answer = chat(QUERY)
        results = answer.choices[0].message.model_extra["tool_results"]
        assert len(results[0]["structured_content"]["items"]) == 3, results
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
        return f"{answer.usage.total_tokens} tokens"

    @step("chat in plain words")
    def _():
        message = chat("지난 30일 안 읽은 메일 보여줘").choices[0].message
        assert message.model_extra["tool_results"][0]["is_error"] is False, message
        return message.content

    @step("stream")
    def _():
        whole = chat(FOLDERS)
        text, usage, reason, _ = streamed(FOLDERS)
        assert text == whole.choices[0].message.content
        assert (usage.total_tokens, reason) == (whole.usage.total_tokens, "stop")
        return f"{len(text)} characters"

    @step("tool loop by the client")
    def _():
        tools = client.get("/functions", cast_to=object)["data"]
        messages = user("unread mail of the last 30 days")
        first = client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0]
        assert first.finish_reason == "tool_calls", first
        call = first.message.tool_calls[0]
        messages.append(first.message)
        ran = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        result = ran.choices[0].message.model_extra["tool_results"][0]
        assert result["tool_call_id"] == call.id
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result["content"]})
        last = client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0]
        assert (last.finish_reason, last.message.content) == ("stop", result["content"])
        return call.function.name

    @step("responses")
    def _():
        response = client.responses.create(model=MODEL, input=FOLDERS)
        assert response.output[0].type == "mcp_call", response
        text = ""
        for event in client.responses.create(model=MODEL, input=FOLDERS, stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
        assert text == response.output_text and len(text) > 10
        return response.id

    stranger = client.with_options(api_key="sk-no")
    letter = 'send_email {"to":["bob@contoso.example"],"subject":"s","body":"b"}'
    step("401")(lambda: refused(openai.AuthenticationError, 401, lambda: chat(who=stranger)))
    step("403")(lambda: refused(openai.PermissionDeniedError, 403, lambda: chat(letter)))
    step("404")(lambda: refused(openai.NotFoundError, 404, lambda: chat(model="gpt-4o")))
    step("400")(lambda: refused(openai.BadRequestError, 400, lambda: chat(n=2)))
else:

    @step("chat with a loop by the server")
    def _():
        answer = chat("mail of today")
        message = answer.choices[0].message
        assert message.content == "That is all.", message
        assert len(message.model_extra["tool_results"][0]["structured_content"]["items"]) == 2
        assert answer.usage.total_tokens == 110, answer.usage
        return message.content

    @step("stream with a loop by the server")
    def _():
        text, _, reason, results = streamed("mail of today")
        assert (text, reason, len(results)) == ("That is all.", "stop", 1)
        return text

    @step("the package's own stream helper")
    def _():
        # Two results in one stream: the helper puts lists of deltas together by their index.
        with client.chat.completions.stream(model=MODEL, messages=user("twice mail")) as stream:
            for _ in stream:
                pass
            message = stream.get_final_completion().choices[0].message
        assert message.content == "That is all.", message
        assert len(message.model_extra["tool_results"]) == 2, message
        return message.content

    @step("functions of the client")
    def _():
        messages = user("weather?")
        first = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
        call = first.message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"city": "Busan"}
        messages += [first.message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
        last = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
        assert last.message.content == "That is all."
        return call.function.name

    once = client.with_options(max_retries=0)
    step("429")(lambda: refused(openai.RateLimitError, 429, lambda: chat("busy", who=once)))
    step("5xx")(lambda: refused(openai.InternalServerError, 502, lambda: chat("broken", who=once)))

sys.exit(failed)
