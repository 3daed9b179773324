// Registers a public client and prints its id.
//   node register.mjs http://127.0.0.1:8080 http://127.0.0.1:3000/callback
import { argv } from 'node:process';

/** The JSON of an answer that must be a success. */
export async function json(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`);
  return JSON.parse(text);
}

export async function register(base, redirect) {
  const answer = await fetch(`${base}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'MCP conformance suite', redirect_uris: [redirect], token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    }),
  });
  return (await json(answer)).client_id;
}

if (argv[1] === import.meta.filename) console.log(await register(...argv.slice(2)));
