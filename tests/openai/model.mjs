// An OpenAI-compatible language model that follows a script: what it does depends on the last message alone.
//   mail ...      calls query_email, and tells of the result in three words
//   twice ...     the same, with two calls that both have the number 0
//   weather ...   calls get_weather, which is the client's
//   busy, broken  fails with 429, 500
// Prints "model listening on URL".
import { createServer } from 'node:http';

const server = createServer(async (request, response) => {
  let text = '';
  for await (const part of request) text += part;
  const body = JSON.parse(text);
  const last = body.messages.at(-1);
  const asked = typeof last.content === 'string' ? last.content : '';
  const fail = (status) => {
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '1' });
    response.end(JSON.stringify({ error: { message: 'by the script', type: 'server_error', code: null } }));
  };
  if (asked.startsWith('busy')) return fail(429);
  if (asked.startsWith('broken')) return fail(500);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta, reason = null) =>
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`);
  const call = (name, args) => {
    send({ tool_calls: [{ index: 0, id: `call_${name}`, type: 'function', function: { name, arguments: '' } }] });
    for (const part of JSON.stringify(args).match(/.{1,7}/gs)) send({ tool_calls: [{ index: 0, function: { arguments: part } }] });
    send({}, 'tool_calls');
  };
  if (last.role === 'tool') {
    for (const word of ['That ', 'is ', 'all.']) send({ content: word });
    send({}, 'stop');
  } else if (asked.startsWith('mail')) call('query_email', { limit: 2, days_back: 3650 });
  else if (asked.startsWith('twice')) {
    for (const limit of [1, 2]) {
      const args = JSON.stringify({ limit, days_back: 3650 });
      send({ tool_calls: [{ index: 0, id: `call_${limit}`, type: 'function', function: { name: 'query_email', arguments: args } }] });
    }
    send({}, 'tool_calls');
  } else if (asked.startsWith('weather')) call('get_weather', { city: 'Busan' });
  else {
    send({ content: 'Hello.' });
    send({}, 'stop');
  }
  response.write(`data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 50, completion_tokens: 5 } })}\n\n`);
  response.end('data: [DONE]\n\n');
});
server.listen(0, '127.0.0.1', () => console.log(`model listening on http://127.0.0.1:${server.address().port}/v1`));
