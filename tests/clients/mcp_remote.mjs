// Drives mcp-remote, the bridge for clients that speak stdio only, with TypeScript SDK v1 at its other end.
//   node mcp_remote.mjs legacy|sse
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialects } from './dialects.mjs';
import { Journey, STEPS, cancelledCalls, until } from './steps.mjs';

const USER = 'alice@contoso.example';
const WATCHED = 'test://watched-resource';
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const RESOURCE_UPDATED = 'notifications/resources/updated';
const era = process.argv[2];
const sdk = dialects.v1();
const journey = new Journey('mcp-remote', era === 'sse' ? 'HTTP+SSE' : 'legacy');
const home = mkdtempSync(join(tmpdir(), 'entrada-mcp-remote-'));
const program = join(process.env.NODE_FOLDER, 'node_modules/mcp-remote/dist/proxy.js');

/** Starts the bridge; `signIn` is told the URL that it wants a person to visit. */
async function open(service, signIn) {
  const path = era === 'sse' ? 'sse' : 'mcp';
  const transport = new sdk.StdioClientTransport({
    command: process.execPath,
    args: [program, `${process.env.BASE}/${service}/${path}`, '--transport', era === 'sse' ? 'sse-only' : 'http-only', '--allow-http'],
    // Without a browser; tokens go to a folder of this run.
    env: { HOME: home, MCP_REMOTE_CONFIG_DIR: home, PATH: '/nowhere' },
    stderr: 'pipe',
  });
  let said = '';
  let asked = false;
  transport.stderr.on('data', (chunk) => {
    said += chunk;
    const url = said.match(/https?:\/\/\S*code_challenge=\S*(?=\s)/)?.[0];
    if (url && !asked) {
      asked = true;
      signIn(url);
    }
  });
  const client = sdk.client();
  const heard = [];
  sdk.onElicitation(client, async (request) => {
    const [field] = Object.keys(request.params.requestedSchema.properties);
    return { action: 'accept', content: { [field]: 'Ada' } };
  });
  for (const method of [TOOLS_CHANGED, RESOURCE_UPDATED]) {
    sdk.onNotification(client, method, ({ params }) => heard.push(params?.uri ? `${method} ${params.uri}` : method));
  }
  try {
    await client.connect(transport);
  } catch (error) {
    throw new Error(`${error.message}: ${said}`);
  }
  return { client, heard };
}

let signIns = 0;
function signIn(url) {
  signIns += 1;
  const script = join(import.meta.dirname, '../support/sign-in.mjs');
  const done = spawnSync(process.execPath, [script, url, USER, '--open'], { encoding: 'utf8', timeout: 20_000 });
  if (done.status !== 0) console.error(done.stderr);
}

let peer;
const text = async (name, args = {}, options = undefined) => {
  const result = await sdk.call(peer.client, { name, arguments: args }, options);
  return { result, text: result.content.map((part) => part.text ?? '').join('') };
};
const hears = async (tool, message) => {
  const before = peer.heard.length;
  await until(`${message} after ${tool}`, async () => {
    await text(tool);
    await new Promise((done) => setTimeout(done, 100));
    return peer.heard.slice(before).includes(message);
  });
};

await journey.step('connect', async () => {
  peer = await open('conformance', signIn);
  assert.equal(signIns, 1);
  return `bridged, signed in`;
});
if (!peer) {
  for (const step of STEPS.slice(1)) journey.tell(step, 'FAILED', 'not connected');
  process.exit(1);
}
await journey.step('list', async () => {
  const { tools } = await peer.client.listTools();
  const { prompts } = await peer.client.listPrompts();
  const { resources } = await peer.client.listResources();
  assert.ok(tools.length >= 35 && prompts.length > 0 && resources.some((resource) => resource.uri === WATCHED));
  return `${tools.length} tools, ${prompts.length} prompts, ${resources.length} resources`;
});
await journey.step('mail', async () => {
  const mail = await open('mail-query', signIn);
  const result = await sdk.call(mail.client, { name: 'query_email', arguments: { start_date: '2000-01-01', max_mails: 50 } });
  const subjects = JSON.stringify(result.structuredContent).match(/"subject"/g).length;
  assert.ok(subjects > 3, `${subjects} mails`);
  await mail.client.close();
  return `${subjects} mails of ${USER.split('@')[0]}`;
});
await journey.step('call', async () => {
  assert.equal((await text('test_simple_text')).text, 'This is a simple text response for testing.');
  assert.equal((await text('test_error_handling')).result.isError, true);
  return 'text, an error';
});
await journey.step('progress', async () => {
  const seen = [];
  await text('test_tool_with_progress', {}, { onprogress: ({ progress, total }) => seen.push(`${progress}/${total}`) });
  assert.deepEqual(seen, ['0/100', '50/100', '100/100']);
  return seen.join(', ');
});
await journey.step('cancel', async () => {
  const before = cancelledCalls('slow_compute');
  const stop = new AbortController();
  const call = text('slow_compute', { seconds: 25, label: 'cancel' }, { signal: stop.signal });
  setTimeout(() => stop.abort('the person pressed Escape'), 300);
  await assert.rejects(call);
  await until('the server stopped the call', () => cancelledCalls('slow_compute') > before);
  return 'rejected here, stopped there';
});
await journey.step('subscribe', async () => {
  await peer.client.subscribeResource({ uri: WATCHED });
  await hears('test_trigger_tool_change', TOOLS_CHANGED);
  await hears('test_trigger_resource_change', `${RESOURCE_UPDATED} ${WATCHED}`);
  return 'changes of list and resource arrive';
});
await journey.step('elicit', async () => {
  const answer = await text('test_elicitation', { message: 'Who are you?' });
  assert.match(answer.text, /Ada/);
  return answer.text;
});
await journey.step('reconnect', async () => {
  await peer.client.close();
  const before = signIns;
  peer = await open('conformance', signIn);
  assert.equal((await text('test_simple_text')).text, 'This is a simple text response for testing.');
  assert.equal(signIns, before);
  return 'a new bridge needs no second sign-in';
});
await journey.step('refresh', async () => {
  await peer.client.close();
  const files = readdirSync(home, { recursive: true }).filter((name) => name.endsWith('tokens.json'));
  const kept = files.map((name) => join(home, name)).map((path) => [path, JSON.parse(readFileSync(path, 'utf8'))]);
  assert.ok(kept.length > 0, 'mcp-remote kept no tokens');
  for (const [path, tokens] of kept) writeFileSync(path, JSON.stringify({ ...tokens, access_token: 'dropped' }));
  const before = signIns;
  peer = await open('conformance', signIn);
  assert.equal((await text('test_simple_text')).text, 'This is a simple text response for testing.');
  assert.equal(signIns, before);
  return 'a refused access token is replaced without a sign-in';
});
await peer.client.close();
rmSync(home, { recursive: true, force: true });
process.exit(0);
