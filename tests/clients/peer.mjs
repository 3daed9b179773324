// A client of a TypeScript SDK that keeps what it hears, and the steps that are the same whatever is between it and the
// server.
import assert from 'node:assert/strict';
import { cancelledCalls, until } from './steps.mjs';

export const USER = 'alice@contoso.example';
export const SIMPLE = 'This is a simple text response for testing.';
export const TOOLS_CHANGED = 'notifications/tools/list_changed';
const WATCHED = 'test://watched-resource';
const RESOURCE_UPDATED = 'notifications/resources/updated';

export class Peer {
  heard = [];

  constructor(sdk, mode = 'legacy') {
    Object.assign(this, { sdk, mode, isModern: mode !== 'legacy' });
  }

  /** Connects a new client, which answers every form with `Ada`. */
  async attach(transport) {
    this.transport = transport;
    this.client = this.sdk.client(this.mode);
    this.sdk.onElicitation(this.client, async (request) => {
      const [field] = Object.keys(request.params.requestedSchema.properties);
      return { action: 'accept', content: { [field]: 'Ada' } };
    });
    for (const method of [TOOLS_CHANGED, RESOURCE_UPDATED]) {
      this.sdk.onNotification(this.client, method, ({ params }) => this.heard.push(params?.uri ? `${method} ${params.uri}` : method));
    }
    await this.client.connect(transport);
  }

  async text(name, args = {}, options = undefined) {
    const result = await this.sdk.call(this.client, { name, arguments: args }, options);
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

  /** Asks to hear of changes, in the way of the era. */
  async subscribe() {
    if (!this.isModern) return await this.client.subscribeResource({ uri: WATCHED });
    this.subscription = await this.client.listen({ toolsListChanged: true, resourceSubscriptions: [WATCHED] });
    assert.deepEqual(this.subscription.honoredFilter, { toolsListChanged: true, resourceSubscriptions: [WATCHED] });
  }

  async unsubscribe() {
    if (!this.isModern) return await this.client.unsubscribeResource({ uri: WATCHED });
    await this.subscription.close();
  }
}

/** The steps between `connect` and `reconnect`. `open` answers a peer of another service. */
export async function steps(journey, peer, open) {
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
    const mail = await open('mail-query');
    const { result } = await mail.text('query_email', { start_date: '2000-01-01', max_mails: 50 });
    assert.ok(!result.isError, JSON.stringify(result.content));
    const subjects = JSON.stringify(result.structuredContent).match(/"subject"/g).length;
    assert.ok(subjects > 3, `${subjects} mails`);
    await mail.client.close();
    return `${subjects} mails of ${USER.split('@')[0]}`;
  });

  await journey.step('call', async () => {
    assert.equal((await peer.text('test_simple_text')).text, SIMPLE);
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
    assert.equal((await peer.text('test_simple_text')).text, SIMPLE);
    return 'rejected here, stopped there, next call answered';
  });

  await journey.step('subscribe', async () => {
    await peer.subscribe();
    await peer.hears('test_trigger_tool_change', TOOLS_CHANGED);
    await peer.hears('test_trigger_resource_change', `${RESOURCE_UPDATED} ${WATCHED}`);
    await peer.unsubscribe();
    const before = peer.heard.length;
    await peer.text('test_trigger_resource_change');
    // A legacy session still hears of the list, on the same stream and later.
    if (!peer.isModern) await peer.hears('test_trigger_tool_change', TOOLS_CHANGED);
    assert.deepEqual(peer.heard.slice(before).filter((message) => message.startsWith(RESOURCE_UPDATED)), []);
    return 'changes of list and resource arrive, and after unsubscribing none';
  });

  await journey.step('elicit', async () => {
    const { text } = peer.isModern
      ? await peer.text('test_input_required_result_elicitation')
      : await peer.text('test_elicitation', { message: 'Who are you?' });
    assert.match(text, /Ada/);
    return text;
  });
}
