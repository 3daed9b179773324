// Drives mcp-remote, the bridge for clients that speak stdio only, with TypeScript SDK v1 at its other end.
//   node mcp_remote.mjs legacy|sse
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialects } from './dialects.mjs';
import { Peer, SIMPLE, USER, steps } from './peer.mjs';
import { Journey } from './steps.mjs';

const isSse = process.argv[2] === 'sse';
const sdk = dialects.v1();
const journey = new Journey('mcp-remote', isSse ? 'HTTP+SSE' : 'legacy');
const home = mkdtempSync(join(tmpdir(), 'entrada-mcp-remote-'));
const program = join(process.env.NODE_FOLDER, 'node_modules/mcp-remote/dist/proxy.js');
let signIns = 0;

function signIn(url) {
  signIns += 1;
  const script = join(import.meta.dirname, '../support/sign-in.mjs');
  const done = spawnSync(process.execPath, [script, url, USER, '--open'], { encoding: 'utf8', timeout: 20_000 });
  if (done.status !== 0) console.error(done.stderr);
}

/** Starts the bridge, and goes where it wants the person to go. */
async function connect(peer, service) {
  const url = `${process.env.BASE}/${service}/${isSse ? 'sse' : 'mcp'}`;
  const transport = new sdk.StdioClientTransport({
    command: process.execPath,
    args: [program, url, '--transport', isSse ? 'sse-only' : 'http-only', '--allow-http'],
    // Without a browser; tokens go to a folder of this run.
    env: { HOME: home, MCP_REMOTE_CONFIG_DIR: home, PATH: '/nowhere' },
    stderr: 'pipe',
  });
  let said = '';
  let asked = false;
  transport.stderr.on('data', (chunk) => {
    said += chunk;
    const wanted = said.match(/https?:\/\/\S*code_challenge=\S*(?=\s)/)?.[0];
    if (!wanted || asked) return;
    asked = true;
    signIn(wanted);
  });
  try {
    await peer.attach(transport);
  } catch (error) {
    throw new Error(`${error.message}: ${said}`);
  }
  return peer;
}

const peer = new Peer(sdk);

/** Ends the bridge and starts another one, which must find its tokens. */
async function again() {
  await peer.client.close();
  const before = signIns;
  await connect(peer, 'conformance');
  assert.equal((await peer.text('test_simple_text')).text, SIMPLE);
  assert.equal(signIns, before);
}

await journey.step('connect', async () => {
  await connect(peer, 'conformance');
  assert.equal(signIns, 1);
  return 'bridged, registered, signed in';
});

await steps(journey, peer, (service) => connect(new Peer(sdk), service));

await journey.step('reconnect', async () => {
  await again();
  return 'a new bridge needs no second sign-in';
});

await journey.step('refresh', async () => {
  const files = readdirSync(home, { recursive: true }).filter((name) => name.endsWith('tokens.json'));
  assert.ok(files.length > 0, 'mcp-remote kept no tokens');
  for (const path of files.map((name) => join(home, name))) {
    const tokens = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...tokens, access_token: 'dropped' }));
  }
  await again();
  return 'a refused access token is replaced without a sign-in';
});

await peer.client.close();
rmSync(home, { recursive: true, force: true });
process.exit(0);
