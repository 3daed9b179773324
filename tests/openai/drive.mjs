// The official `openai` package for Node against a running server, as an application uses it. One line per step:
//   step | CLIENT | SERVER | STEP | ok or FAILED | detail
//   BASE=... KEY=... node drive.mjs rules|model
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const { BASE, KEY } = process.env;
const [answers] = process.argv.slice(2);
const MODEL = 'mail-query';
// As Open WebUI and its like are set up: a base URL and a key, and nothing else.
const client = new OpenAI({ baseURL: `${BASE}/${MODEL}/v1`, apiKey: KEY });
const QUERY = `query_email ${JSON.stringify({ limit: 3, days_back: 3650 })}`;
// Its answer has no cursor, which would be drawn anew each time.
const FOLDERS = 'list_mail_folders {}';
const user = (content) => [{ role: 'user', content }];
const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } };

async function step(name, run) {
  const tell = (outcome, detail) =>
    console.log(['step', 'openai for Node', answers, name, outcome, String(detail).replaceAll(/\s+/g, ' ').replaceAll('|', '/').slice(0, 200)].join(' | '));
  try {
    tell('ok', (await run()) ?? '');
  } catch (error) {
    tell('FAILED', error?.message ?? error);
    console.error(error);
    process.exitCode = 1;
  }
}

async function streamed(content, more = {}) {
  let [text, usage, reason, results] = ['', undefined, undefined, []];
  const stream = await client.chat.completions.create({
    model: MODEL, messages: user(content), stream: true, stream_options: { include_usage: true }, ...more,
  });
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    text += choice?.delta?.content ?? '';
    results.push(...(choice?.delta?.tool_results ?? []));
    reason = choice?.finish_reason ?? reason;
    usage = chunk.usage ?? usage;
  }
  return { text, usage, reason, results };
}

await step('models', async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, [MODEL]);
  assert.equal((await client.models.retrieve(MODEL)).owned_by, 'entrada');
  return ids;
});

if (answers === 'rules') {
  await step('chat', async () => {
    const answer = await client.chat.completions.create({ model: MODEL, messages: user(QUERY) });
    const { message } = answer.choices[0];
    assert.equal(message.tool_results[0].structured_content.items.length, 3);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
    return `${answer.usage.total_tokens} tokens`;
  });
  await step('chat in plain words', async () => {
    const answer = await client.chat.completions.create({ model: MODEL, messages: user('지난 30일 안 읽은 메일 보여줘') });
    assert.equal(answer.choices[0].message.tool_results[0].is_error, false);
    return answer.choices[0].message.content;
  });
  await step('stream', async () => {
    const whole = await client.chat.completions.create({ model: MODEL, messages: user(FOLDERS) });
    const parts = await streamed(FOLDERS);
    assert.equal(parts.text, whole.choices[0].message.content);
    assert.deepEqual([parts.reason, parts.usage], ['stop', whole.usage]);
    return `${parts.text.length} characters`;
  });
  await step('tool loop by the client', async () => {
    const { data: tools } = await client.get('/functions');
    const messages = user('unread mail of the last 30 days');
    const first = await client.chat.completions.create({ model: MODEL, messages, tools });
    assert.equal(first.choices[0].finish_reason, 'tool_calls');
    messages.push(first.choices[0].message);
    const [call] = first.choices[0].message.tool_calls;
    const ran = await client.chat.completions.create({ model: MODEL, messages, tools });
    const [result] = ran.choices[0].message.tool_results;
    assert.equal(result.tool_call_id, call.id);
    messages.push({ role: 'tool', tool_call_id: call.id, content: result.content });
    const last = await client.chat.completions.create({ model: MODEL, messages, tools });
    assert.deepEqual([last.choices[0].finish_reason, last.choices[0].message.content], ['stop', result.content]);
    return call.function.name;
  });
  await step('responses', async () => {
    const response = await client.responses.create({ model: MODEL, input: FOLDERS });
    assert.equal(response.output[0].type, 'mcp_call');
    assert.ok(response.output_text.length > 10);
    let text = '';
    for await (const event of await client.responses.create({ model: MODEL, input: FOLDERS, stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') assert.equal(event.response.status, 'completed');
    }
    assert.equal(text, response.output_text);
    return response.id;
  });
  const refused = async (kind, status, run) => {
    const error = await run().then(() => assert.fail('nothing was raised'), (raised) => raised);
    assert.ok(error instanceof kind, `${error?.constructor?.name}: ${error?.message}`);
    assert.equal(error.status, status);
    return error.message;
  };
  const chat = (body, who = client) => who.chat.completions.create({ model: MODEL, messages: user('x'), ...body });
  await step('401', () => refused(OpenAI.AuthenticationError, 401, () => chat({}, client.withOptions({ apiKey: 'sk-no' }))));
  await step('403', () => refused(OpenAI.PermissionDeniedError, 403, () =>
    chat({ messages: user('send_email {"to":["bob@contoso.example"],"subject":"s","body":"b"}') })));
  await step('404', () => refused(OpenAI.NotFoundError, 404, () => chat({ model: 'gpt-4o' })));
  await step('400', () => refused(OpenAI.BadRequestError, 400, () => chat({ n: 2 })));
} else {
  await step('chat with a loop by the server', async () => {
    const answer = await client.chat.completions.create({ model: MODEL, messages: user('mail of today') });
    const { message } = answer.choices[0];
    assert.deepEqual([message.content, message.tool_results[0].structured_content.items.length], ['That is all.', 2]);
    assert.equal(answer.usage.total_tokens, 110);
    return message.content;
  });
  await step('stream with a loop by the server', async () => {
    const parts = await streamed('mail of today');
    assert.deepEqual([parts.text, parts.reason, parts.results.length], ['That is all.', 'stop', 1]);
    return parts.text;
  });
  await step("the package's own stream helper", async () => {
    const stream = client.chat.completions.stream({ model: MODEL, messages: user('twice mail') });
    const { message } = (await stream.finalChatCompletion()).choices[0];
    assert.equal(message.content, 'That is all.');
    return message.content;
  });
  await step('functions of the client', async () => {
    const runner = client.chat.completions.runTools({
      model: MODEL, messages: user('weather?'),
      tools: [{ ...weather, function: { ...weather.function, parse: JSON.parse, function: ({ city }) => `rain in ${city}` } }],
    });
    assert.equal(await runner.finalContent(), 'That is all.');
    return runner.messages.find((message) => message.role === 'tool').content;
  });
  await step('429', async () => {
    const error = await client.withOptions({ maxRetries: 0 }).chat.completions.create({ model: MODEL, messages: user('busy') }).catch((raised) => raised);
    assert.ok(error instanceof OpenAI.RateLimitError, error);
    return error.message;
  });
  await step('5xx', async () => {
    const error = await client.withOptions({ maxRetries: 0 }).chat.completions.create({ model: MODEL, messages: user('broken') }).catch((raised) => raised);
    assert.ok(error instanceof OpenAI.InternalServerError, error);
    return error.message;
  });
}
