// The product and a client of it: `entrada demo` on free ports, registration, tokens, calls.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createWriteStream } from 'node:fs';

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

/** Starts the demo and answers its address, the tenant's, and how to end it. */
export async function startDemo() {
  const child = spawn('target/debug/entrada', ['demo', '--port', '0', '--tenant-port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(createWriteStream('target/browser/demo.log'));
  const found = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const server = /^entrada listening on (\S+)/.exec(line.trim());
    const tenant = /(http:\/\/127\.0\.0\.1:\d+)/.exec(line);
    if (server) found.base = server[1];
    else if (tenant && /tenant/i.test(line)) found.tenant = tenant[1];
    if (found.base && found.tenant) break;
  }
  if (!found.base) throw new Error('entrada demo did not start; see target/browser/demo.log');
  child.stdout.resume();
  return { ...found, stop: async () => { const gone = once(child, 'exit'); child.kill('SIGTERM'); await gone; } };
}

/** The application's end of the redirect: keeps every answer, shows a page. */
export async function startApp() {
  const answers = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    if (url.pathname === '/callback') answers.push(Object.fromEntries(url.searchParams));
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><html lang="en"><title>App</title><h1>Back in the app</h1>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirect = `http://127.0.0.1:${server.address().port}/callback`;
  return { redirect, answers, stop: () => { server.close(); server.closeAllConnections(); } };
}

/** A public client, registered anew. */
export async function register(base, redirect, name) {
  const response = await fetch(`${base}/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ client_name: name, redirect_uris: [redirect], token_endpoint_auth_method: 'none' }),
  });
  if (response.status !== 201) throw new Error(`registration: ${response.status} ${await response.text()}`);
  return { base, redirect, id: (await response.json()).client_id };
}

/** An authorization request with its verifier. */
export function authorization(client, extra = {}) {
  const verifier = base64url(randomBytes(32));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirect,
    state: base64url(randomBytes(8)),
    code_challenge_method: 'S256',
    code_challenge: base64url(createHash('sha256').update(verifier).digest()),
    resource: `${client.base}/mail-query/mcp`,
    ...extra,
  });
  return { url: `${client.base}/authorize?${query}`, verifier, state: query.get('state') };
}

/** Redeems a code. */
export async function redeem(client, code, verifier) {
  const response = await fetch(`${client.base}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', client_id: client.id, redirect_uri: client.redirect, code, code_verifier: verifier,
    }),
  });
  if (response.status !== 200) throw new Error(`token: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Status of a call of the mail service with a bearer. */
export async function callStatus(base, bearer) {
  const response = await fetch(`${base}/mail-query/mcp`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0', id: 1, method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'browser tests', version: '1' } },
    }),
  });
  await response.text();
  return response.status;
}
