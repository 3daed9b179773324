// Signs a demo user in without a browser and prints the access token: registration, PKCE, the HTML pages, the token.
//   node get-token.mjs http://127.0.0.1:8080/mail-query/mcp alice@contoso.example
import { createHash, randomBytes } from 'node:crypto';

const [resource, user] = process.argv.slice(2);
const base = new URL(resource).origin;
const redirect = 'http://127.0.0.1:9/conformance';
const verifier = randomBytes(32).toString('base64url');
const cookies = new Map();

async function json(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`);
  return JSON.parse(text);
}

async function visit(url, body) {
  const headers = { accept: 'text/html', cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  if (body) headers.origin = new URL(url).origin;
  const response = await fetch(url, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' });
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
    if (/max-age=0/i.test(cookie)) cookies.delete(name);
    else cookies.set(name, value);
  }
  return response;
}

const unescape = (text) =>
  text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'));
  return found ? unescape(found[1] ?? found[2] ?? found[3]) : undefined;
};

// The form that a person would fill in: the one that asks for a name or a decision.
function fill(html, page) {
  const forms = html.match(/<form[\s\S]*?<\/form>/gi) ?? [];
  const form = forms.find((text) => /name=["']?(username|decision)/.test(text)) ?? forms[0];
  if (!form) throw new Error(`no form at ${page}:\n${html}`);
  const head = form.match(/<form[^>]*>/i)[0];
  const fields = new URLSearchParams();
  for (const [tag] of form.matchAll(/<input[^>]*>/gi)) {
    const [name, type] = [attribute(tag, 'name'), attribute(tag, 'type') ?? 'text'];
    if (!name || name === 'decision' || ['submit', 'button'].includes(type)) continue;
    fields.append(name, name === 'username' ? user : attribute(tag, 'value') ?? '');
  }
  if (/name=["']?decision/.test(form)) fields.set('decision', 'approve');
  return [new URL(attribute(head, 'action') ?? '', page).href, fields];
}

const client = await json(await fetch(`${base}/register`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    client_name: 'MCP conformance suite', redirect_uris: [redirect], token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
  }),
}));
const authorize = new URL(`${base}/authorize`);
authorize.search = new URLSearchParams({
  response_type: 'code', client_id: client.client_id, redirect_uri: redirect, state: 's', resource,
  code_challenge_method: 'S256', code_challenge: createHash('sha256').update(verifier).digest('base64url'),
});

let response = await visit(authorize.href);
let code;
for (let step = 0; step < 20 && !code; step += 1) {
  const location = response.headers.get('location');
  if (location) {
    const next = new URL(location, response.url);
    if (next.href.startsWith(redirect)) code = next.searchParams.get('code') ?? `refused: ${next.search}`;
    else response = await visit(next.href);
  } else {
    response = await visit(...fill(await response.text(), response.url));
  }
}
const tokens = await json(await fetch(`${base}/token`, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: verifier,
    client_id: client.client_id, resource,
  }),
}));
console.log(tokens.access_token);
