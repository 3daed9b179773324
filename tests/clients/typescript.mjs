// Drives a TypeScript SDK against the fixture service and against mail-query.
//   BASE=... SERVER_LOG=... NODE_FOLDER=... node typescript.mjs v1|v2 legacy|sse|auto|pin
import assert from 'node:assert/strict';
import { dialects } from './dialects.mjs';
import { Peer, SIMPLE, TOOLS_CHANGED, USER, steps } from './peer.mjs';
import { Provider } from './provider.mjs';
import { Journey, cutConnections } from './steps.mjs';

const ERAS = {
  legacy: { name: 'legacy', mode: 'legacy', path: 'mcp', version: '2025-11-25' },
  sse: { name: 'HTTP+SSE', mode: 'legacy', path: 'sse', version: '2025-11-25' },
  auto: { name: 'modern (auto)', mode: 'auto', path: 'mcp', version: '2026-07-28' },
  pin: { name: 'modern (pin)', mode: { pin: '2026-07-28' }, path: 'mcp', version: '2026-07-28' },
};

const [sdkName, eraName] = process.argv.slice(2);
const sdk = dialects[sdkName]();
const era = ERAS[eraName];
const journey = new Journey(sdk.name, era.name);

/** Connects, signs in when the server wants that, and connects again: what an application does. */
async function connect(peer, service, provider) {
  const Transport = era.path === 'sse' ? sdk.SSEClientTransport : sdk.StreamableHTTPClientTransport;
  const url = new URL(`${process.env.BASE}/${service}/${era.path}`);
  for (let attempt = 0; ; attempt += 1) {
    const transport = new Transport(url, { authProvider: provider });
    try {
      await peer.attach(transport);
      return peer;
    } catch (error) {
      if (attempt > 0 || error.constructor.name !== 'UnauthorizedError') throw error;
      assert.equal(provider.landed.get('state'), provider.sentState);
      await sdk.finishAuth(transport, provider.landed);
    }
  }
}

const provider = new Provider(USER);
const peer = new Peer(sdk, era.mode);

await journey.step('connect', async () => {
  await connect(peer, 'conformance', provider);
  assert.equal(sdk.version(peer.client, peer.transport), era.version);
  assert.equal(provider.signIns, 1);
  assert.ok(provider.pages.length >= 2, `pages: ${provider.pages}`);
  assert.equal(provider.asked.get('code_challenge_method'), 'S256');
  assert.ok(provider.client.client_id.startsWith('dcr_'));
  return `${era.version}, registered, signed in over ${provider.pages.length} pages`;
});

await steps(journey, peer, (service) => connect(new Peer(sdk, era.mode), service, new Provider(USER)));

await journey.step('reconnect', async () => {
  const told = [];
  if (peer.isModern) {
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
    const session = await fetch(`${process.env.BASE}/conformance/mcp`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${provider.kept.access_token}`, 'mcp-session-id': peer.transport.sessionId },
    });
    assert.ok([200, 204].includes(session.status), `DELETE: ${session.status}`);
    await assert.rejects(peer.text('test_simple_text'));
    told.push('session ended: told');
  } else {
    await cutConnections();
    told.push('stream cut, and the session with it');
  }
  await peer.client.close();
  await connect(peer, 'conformance', provider);
  assert.equal((await peer.text('test_simple_text')).text, SIMPLE);
  assert.equal(provider.signIns, 1);
  told.push('a new connection needs no second sign-in');
  return told.join('; ');
});

await journey.step('refresh', async () => {
  const { refresh_token: refresh } = provider.kept;
  provider.kept = { ...provider.kept, access_token: 'dropped' };
  assert.equal((await peer.text('test_simple_text')).text, SIMPLE);
  assert.notEqual(provider.kept.access_token, 'dropped');
  assert.notEqual(provider.kept.refresh_token, refresh);
  assert.equal(provider.signIns, 1);
  return 'a refused access token is replaced without a sign-in';
});

await peer.client.close();
// Timers of the SDKs would keep the process.
process.exit(0);
