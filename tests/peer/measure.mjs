// Asks every question of both servers and prints a table.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { QUESTIONS, selected } from './questions.mjs';
import { walk } from '../support/browser.mjs';
import { json, register } from '../support/register.mjs';

const { PEER_FOLDER, COUNTER, TENANT, ENTRADA_PUBLIC_URL: BASE } = process.env;
const USER = 'alice@contoso.example';
const VERIFIER = 'a-verifier-of-the-measurement-0123456789-0123456789';
const require = createRequire(`${PEER_FOLDER}/package.json`);
const { encode } = await import(pathToFileURL(require.resolve('gpt-tokenizer/encoding/o200k_base')));

const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(VERIFIER));
const challenge = Buffer.from(digest).toString('base64url');

/** Signs in at an authorization server and answers the access token. */
async function signIn(authorize, token, client, more) {
  const redirect = 'http://127.0.0.1:9/callback';
  const query = new URLSearchParams({
    response_type: 'code', client_id: client.id, redirect_uri: redirect, state: 's', code_challenge: challenge,
    code_challenge_method: 'S256', ...more,
  });
  const landing = await walk(`${authorize}?${query}`, redirect, USER);
  const form = { grant_type: 'authorization_code', code: landing.searchParams.get('code'), redirect_uri: redirect, code_verifier: VERIFIER, client_id: client.id };
  if (client.secret) form.client_secret = client.secret;
  return (await json(await fetch(token, { method: 'POST', body: new URLSearchParams(form) }))).access_token;
}

/** One MCP client, whatever carries its messages. */
async function entrada() {
  const resource = `${BASE}/mail-query/mcp`;
  const id = await register(BASE, 'http://127.0.0.1:9/callback');
  const bearer = await signIn(`${BASE}/authorize`, `${BASE}/token`, { id }, { resource });
  let session;
  return async (method, params) => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    if (session) Object.assign(headers, { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' });
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await fetch(resource, { method: 'POST', headers, body });
    session ??= answer.headers.get('mcp-session-id');
    const text = await answer.text();
    const data = text.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).pop() ?? text;
    return JSON.parse(data);
  };
}

async function peer() {
  const authority = `${TENANT}/${process.env.AZURE_TENANT_ID}/oauth2/v2.0`;
  const client = { id: process.env.AZURE_CLIENT_ID, secret: process.env.AZURE_CLIENT_SECRET };
  const scope = 'openid offline_access User.Read Mail.Read MailboxSettings.Read';
  const token = await signIn(`${authority}/authorize`, `${authority}/token`, client, { scope, response_mode: 'query', nonce: 'n' });
  const program = `${PEER_FOLDER}/node_modules/@softeria/ms-365-mcp-server/dist/index.js`;
  const redirect = new URL('./redirect.mjs', import.meta.url).href;
  const child = spawn(process.execPath, ['--import', redirect, program, '--preset', 'mail'], {
    env: { ...process.env, MS365_MCP_OAUTH_TOKEN: token }, stdio: ['pipe', 'pipe', 'ignore'],
  });
  const waiting = new Map();
  let rest = '';
  child.stdout.on('data', (chunk) => {
    rest += chunk;
    for (let end; (end = rest.indexOf('\n')) >= 0; rest = rest.slice(end + 1)) {
      const message = JSON.parse(rest.slice(0, end));
      waiting.get(message.id)?.(message);
    }
  });
  let last = 0;
  const ask = (method, params) => new Promise((done) => {
    last += 1;
    waiting.set(last, done);
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
  });
  ask.close = () => child.kill();
  return ask;
}

const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'measurement', version: '1' } };
const counted = async () => json(await fetch(`${COUNTER}/.counter`));

/** What a model gets to read: the text blocks, which is what clients show it. */
const read = (answer) => answer.result.content.map((block) => block.text ?? '').join('\n');

async function measure(ask, [name, args]) {
  await counted();
  const answer = await ask('tools/call', { name, arguments: args });
  if (!answer.result || answer.result.isError) throw new Error(`${name} ${JSON.stringify(args)}: ${JSON.stringify(answer).slice(0, 600)}`);
  const { calls, bytes } = await counted();
  const text = read(answer);
  return { calls, bytes, out: Buffer.byteLength(text), tokens: encode(text).length, text };
}

const [ours, theirs] = [await entrada(), await peer()];
await ours('initialize', hello);
await theirs('initialize', hello);
const lists = [await ours('tools/list'), await theirs('tools/list')].map(({ result }) => JSON.stringify(result));

const found = await ours('tools/call', { name: 'query_email', arguments: { subject_contains: 'crane', days_back: 3650, limit: 1 } });
const [{ id: message, subject, from }] = found.result.structuredContent.items;
// The peer asks for ids that change when a message moves, and so needs one of its own for the same message.
const filter = `subject eq '${subject.replaceAll("'", "''")}'`;
const same = await theirs('tools/call', { name: 'list-mail-messages', arguments: { filter, top: 1, select: 'id' } });
const sender = from.match(/[^\s<>]+@[^\s<>]+/)[0];
const ids = { message, sender, theirs: JSON.parse(read(same)).value[0].id };
// Time zone and caches are read before anything is counted.
const rows = [];
for (const question of QUESTIONS) {
  const of = (call) => (typeof call === 'function' ? call(ids) : call);
  const plain = of(question.peer);
  rows.push([
    question.what,
    await measure(ours, of(question.ours)),
    await measure(theirs, plain),
    await measure(theirs, selected(question, plain)),
  ]);
}
theirs.close();

const shown = (one) => `${one.calls} / ${one.bytes} / ${one.out} / ${one.tokens}`;
console.log('Graph calls / bytes from Graph / bytes to the model / tokens (o200k)\n');
console.log('| Question | Entrada | peer | peer with `select` |\n|---|--:|--:|--:|');
for (const [what, ...all] of rows) console.log(`| ${what} | ${all.map(shown).join(' | ')} |`);
const tokens = lists.map((list) => encode(list).length);
console.log(`| \`tools/list\`, bytes / tokens | ${lists.map((list, at) => `${Buffer.byteLength(list)} / ${tokens[at]}`).join(' | ')} | |`);
