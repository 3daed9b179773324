// Drives the Inspector's command line: one process per request, so it shows connecting, listing and calling.
//   node inspector.mjs legacy|modern
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journey } from './steps.mjs';

const USER = 'alice@contoso.example';
const era = process.argv[2];
const journey = new Journey('Inspector', era);
const home = mkdtempSync(join(tmpdir(), 'entrada-inspector-'));
const program = join(process.env.NODE_FOLDER, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');
let signIns = 0;

/** One run; what it printed as JSON. */
async function inspect(service, ...options) {
  const child = spawn(process.execPath, [
    program, '--cli', '--server-url', `${process.env.BASE}/${service}/mcp`, '--transport', 'http',
    '--protocol-era', era, '--format', 'json', ...options,
  ], {
    env: { HOME: home, PATH: process.env.PATH, BROWSER: 'none', MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let said = '';
  let asked = false;
  const look = () => {
    const url = (printed + said).match(/https?:\/\/\S*code_challenge=[^\s"']*(?=[\s"'])/)?.[0];
    if (!url || asked) return;
    asked = true;
    signIns += 1;
    const script = join(import.meta.dirname, '../support/sign-in.mjs');
    spawn(process.execPath, [script, url, USER, '--open'], { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  child.stdout.on('data', (chunk) => { printed += chunk; look(); });
  child.stderr.on('data', (chunk) => { said += chunk; look(); });
  const timer = setTimeout(() => child.kill(), 25_000);
  const code = await new Promise((done) => child.on('close', done));
  clearTimeout(timer);
  assert.equal(code, 0, `${printed}\n${said}`);
  return JSON.parse(printed.slice(printed.indexOf('{"result"'))).result;
}

await journey.step('connect', async () => {
  await inspect('conformance', '--method', 'tools/list');
  assert.equal(signIns, 1);
  return 'registered, signed in';
});
await journey.step('list', async () => {
  const { tools } = await inspect('conformance', '--method', 'tools/list');
  const { prompts } = await inspect('conformance', '--method', 'prompts/list');
  const { resources } = await inspect('conformance', '--method', 'resources/list');
  assert.ok(tools.length >= 35 && prompts.length > 0 && resources.length > 0);
  return `${tools.length} tools, ${prompts.length} prompts, ${resources.length} resources`;
});
await journey.step('mail', async () => {
  const options = ['--method', 'tools/call', '--tool-name', 'query_email', '--tool-arg', 'start_date=2000-01-01'];
  const result = await inspect('mail-query', ...options);
  const subjects = JSON.stringify(result.structuredContent).match(/"subject"/g).length;
  assert.ok(subjects > 3, `${subjects} mails`);
  return `${subjects} mails of ${USER.split('@')[0]}`;
});
await journey.step('call', async () => {
  const result = await inspect('conformance', '--method', 'tools/call', '--tool-name', 'test_simple_text');
  assert.equal(result.content[0].text, 'This is a simple text response for testing.');
  return result.content[0].text;
});
await journey.step('reconnect', async () => {
  const before = signIns;
  await inspect('conformance', '--method', 'prompts/list');
  assert.equal(signIns, before);
  return 'a new process needs no second sign-in';
});
for (const step of ['progress', 'cancel', 'subscribe', 'elicit', 'refresh']) {
  journey.notOffered(step, 'one request per process, no control over it');
}
rmSync(home, { recursive: true, force: true });
process.exit(0);
