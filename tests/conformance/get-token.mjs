// Signs a demo user in without a browser and prints the access token: registration, PKCE, the HTML pages, the token.
//   node get-token.mjs http://127.0.0.1:8080/mail-query/mcp alice@contoso.example
import { createHash, randomBytes } from 'node:crypto';
import { walk } from '../support/browser.mjs';
import { json, register } from '../support/register.mjs';

const [resource, user] = process.argv.slice(2);
const base = new URL(resource).origin;
const redirect = 'http://127.0.0.1:9/conformance';
const verifier = randomBytes(32).toString('base64url');

const clientId = await register(base, redirect);
const authorize = new URL(`${base}/authorize`);
authorize.search = new URLSearchParams({
  response_type: 'code', client_id: clientId, redirect_uri: redirect, state: 's', resource,
  code_challenge_method: 'S256', code_challenge: createHash('sha256').update(verifier).digest('base64url'),
});
const landing = await walk(authorize.href, redirect, user);
const code = landing.searchParams.get('code') ?? `refused: ${landing.search}`;
const tokens = await json(await fetch(`${base}/token`, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: verifier,
    client_id: clientId, resource,
  }),
}));
console.log(tokens.access_token);
