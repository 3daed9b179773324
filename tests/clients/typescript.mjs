// Drives a TypeScript SDK against the fixture service and against mail-query.
//   BASE=... SERVER_LOG=... NODE_FOLDER=... node typescript.mjs v1|v2 legacy|sse|auto|pin
import assert from 'node:assert/strict';
import { dialects } from './dialects.mjs';
import { Provider } from './provider.mjs';
import { Journey, STEPS, cancelledCalls, cutConnections, until } from './steps.mjs';

const USER = 'alice@contoso.example';
const WATCHED = 'test://watched-resource';
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const RESOURCE_UPDATED = 'notifications/resources/updated';
const ERAS = {
  legacy: { name: 'legacy', mode: 'legacy', path: 'mcp', version: '2025-11-25' },
  sse: { name: 'HTTP+SSE', mode: 'legacy', path: 'sse', version: '2025-11-25' },
  auto: { name: 'modern (auto)', mode: 'auto', path: 'mcp', version: '2026-07-28', modern: true },
  pin: { name: 'modern (pin)', mode: { pin: '2026-07-28' }, path: 'mcp', version: '2026-07-28', modern: true },
};

const [sdkName, eraName] = process.argv.slice(2);
const sdk = dialects[sdkName]();
const era = ERAS[eraName];
const journey = new Journey(sdk.name, era.name);

/** A client that keeps what it hears. */
class Peer {
  heard = [];

  static async connect(service, provider) {
    const peer = new Peer();
    peer.url = new URL(`${process.env.BASE}/${service}/${era.path}`);
    peer.provider = provider;
    await peer.open();
    return peer;
  }

  /** Connects, signs in when the server wants that, and connects again: what an application does. */
  async open() {
    const Transport = era.path === 'sse' ? sdk.SSEClientTransport : sdk.StreamableHTTPClientTransport;
    for (let attempt = 0; ; attempt += 1) {
      this.client = sdk.client(era.mode);
      this.transport = new Transport(this.url, { authProvider: this.provider });
      sdk.onElicitation(this.client, async (request) => {
        const [field] = Object.keys(request.params.requestedSchema.properties);
        return { action: 'accept', content: { [field]: 'Ada' } };
      });
      for (const method of [TOOLS_CHANGED, RESOURCE_UPDATED]) {
        sdk.onNotification(this.client, method, ({ params }) => this.heard.push(params?.uri ? `${method} ${params.uri}` : method));
      }
      try {
        return await this.client.connect(this.transport);
      } catch (error) {
        if (attempt > 0 || error.constructor.name !== 'UnauthorizedError') throw error;
        assert.equal(this.provider.landed.get('state'), this.provider.sentState);
        await sdk.finishAuth(this.transport, this.provider.landed);
      }
    }
  }

  async text(name, args = {}, options = undefined) {
    const result = await sdk.call(this.client, { name, arguments: args }, options);
    return { text: result.content.map((part) => part.text ?? '').join(''), result };
  }

  /** Calls the tool that announces a change until this client hears of it: what was said before it listened is gone. */
  async hears(tool, message) {
    const before = this.heard.length;
    await until(`${message} after ${tool}`, async () => {
      await this.text(tool);
      await new Promise((done) => setTimeout(done, 100));
      return this.heard.slice(before).includes(message);
    });
  }

  /** Opens the stream of changes. */
  async subscribe() {
    if (!era.modern) return await this.client.subscribeResource({ uri: WATCHED });
    this.subscription = await this.client.listen({ toolsListChanged: true, resourceSubscriptions: [WATCHED] });
    assert.deepEqual(this.subscription.honoredFilter, { toolsListChanged: true, resourceSubscriptions: [WATCHED] });
  }

  async unsubscribe() {
    if (!era.modern) return await this.client.unsubscribeResource({ uri: WATCHED });
    await this.subscription.close();
  }
}

const provider = new Provider(USER);
let peer;

await journey.step('connect', async () => {
  peer = await Peer.connect('conformance', provider);
  assert.equal(sdk.version(peer.client, peer.transport), era.version);
  assert.equal(provider.signIns, 1);
  assert.ok(provider.pages.length >= 2, `pages: ${provider.pages}`);
  assert.equal(provider.asked.get('code_challenge_method'), 'S256');
  assert.ok(provider.client.client_id.startsWith('dcr_'));
  return `${era.version}, registered, signed in over ${provider.pages.length} pages`;
});
if (!peer) {
  for (const step of STEPS.slice(1)) journey.tell(step, 'FAILED', 'not connected');
  process.exit(1);
}

await journey.step('list', async () => {
  const { tools } = await peer.client.listTools();
  const { prompts } = await peer.client.listPrompts();
  const { resources } = await peer.client.listResources();
  assert.ok(tools.some((tool) => tool.name === 'test_simple_text') && tools.length >= 35, `${tools.length} tools`);
  assert.ok(prompts.some((prompt) => prompt.name === 'test_simple_prompt'));
  assert.ok(resources.some((resource) => resource.uri === WATCHED));
  const prompt = await peer.client.getPrompt({ name: 'test_simple_prompt' });
  assert.ok(prompt.messages.length > 0);
  const read = await peer.client.readResource({ uri: 'test://static-text' });
  assert.equal(read.contents[0].text, 'This is the content of the static text resource.');
  return `${tools.length} tools, ${prompts.length} prompts, ${resources.length} resources; one of each read`;
});

await journey.step('mail', async () => {
  const mail = await Peer.connect('mail-query', new Provider(USER));
  const { result } = await mail.text('query_email', { start_date: '2000-01-01', max_mails: 50 });
  assert.ok(!result.isError, JSON.stringify(result.content));
  const subjects = JSON.stringify(result.structuredContent).match(/"subject"/g).length;
  assert.ok(subjects > 3, `${subjects} mails`);
  await mail.client.close();
  return `${subjects} mails of ${USER.split('@')[0]}`;
});

await journey.step('call', async () => {
  assert.equal((await peer.text('test_simple_text')).text, 'This is a simple text response for testing.');
  // In the modern era the SDK repeats this argument in a header.
  assert.equal((await peer.text('test_custom_header', { region: '서울' })).text, 'Region: 서울');
  const { result } = await peer.text('test_error_handling');
  assert.equal(result.isError, true);
  return 'text, an argument that travels in a header too, an error';
});

await journey.step('progress', async () => {
  const seen = [];
  await peer.text('test_tool_with_progress', {}, { onprogress: ({ progress, total }) => seen.push(`${progress}/${total}`) });
  assert.deepEqual(seen, ['0/100', '50/100', '100/100']);
  return seen.join(', ');
});

await journey.step('cancel', async () => {
  const before = cancelledCalls('slow_compute');
  const stop = new AbortController();
  const call = peer.text('slow_compute', { seconds: 25, label: 'cancel' }, { signal: stop.signal });
  setTimeout(() => stop.abort('the person pressed Escape'), 300);
  await assert.rejects(call);
  await until('the server stopped the call', () => cancelledCalls('slow_compute') > before);
  assert.ok((await peer.text('test_simple_text')).text);
  return 'rejected here, stopped there, next call answered';
});

await journey.step('subscribe', async () => {
  await peer.subscribe();
  await peer.hears('test_trigger_tool_change', TOOLS_CHANGED);
  await peer.hears('test_trigger_resource_change', `${RESOURCE_UPDATED} ${WATCHED}`);
  await peer.unsubscribe();
  const before = peer.heard.length;
  await peer.text('test_trigger_resource_change');
  await peer.text('test_trigger_resource_change');
  // A legacy session still hears of the list, on the same stream and later.
  if (!era.modern) await peer.hears('test_trigger_tool_change', TOOLS_CHANGED);
  assert.deepEqual(peer.heard.slice(before).filter((message) => message.startsWith(RESOURCE_UPDATED)), []);
  return 'changes of list and resource arrive, and after unsubscribing none';
});

await journey.step('elicit', async () => {
  const tool = era.modern ? 'test_input_required_result_elicitation' : 'test_elicitation';
  const { text } = await peer.text(tool, era.modern ? {} : { message: 'Who are you?' });
  assert.match(text, /Ada/);
  return text;
});

await journey.step('reconnect', async () => {
  const told = [];
  if (era.modern) {
    await peer.subscribe();
    await cutConnections();
    assert.equal(await peer.subscription.closed, 'remote');
    await peer.subscribe();
    await peer.hears('test_trigger_tool_change', TOOLS_CHANGED);
    await peer.subscription.close();
    told.push('listen stream cut: told, and it listens again');
  } else if (era.path === 'mcp') {
    assert.match((await peer.text('test_reconnection')).text, /completed successfully/);
    told.push('answer fetched after the server closed its stream');
    await cutConnections();
    await peer.hears('test_trigger_tool_change', TOOLS_CHANGED);
    told.push('stream cut: the SDK opens it again');
    const session = await fetch(peer.url, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${provider.kept.access_token}`, 'mcp-session-id': peer.transport.sessionId },
    });
    assert.ok([200, 204].includes(session.status), `DELETE: ${session.status}`);
    await assert.rejects(peer.text('test_simple_text'));
  } else {
    await cutConnections();
  }
  await peer.client.close();
  await peer.open();
  assert.equal((await peer.text('test_simple_text')).text, 'This is a simple text response for testing.');
  assert.equal(provider.signIns, 1);
  told.push('a new connection needs no second sign-in');
  return told.join('; ');
});

await journey.step('refresh', async () => {
  const { refresh_token: refresh } = provider.kept;
  provider.kept = { ...provider.kept, access_token: 'dropped' };
  assert.equal((await peer.text('test_simple_text')).text, 'This is a simple text response for testing.');
  assert.notEqual(provider.kept.access_token, 'dropped');
  assert.notEqual(provider.kept.refresh_token, refresh);
  assert.equal(provider.signIns, 1);
  return 'a refused access token is replaced without a sign-in';
});

await peer.client.close();
// Timers of the SDKs would keep the process.
process.exit(0);
