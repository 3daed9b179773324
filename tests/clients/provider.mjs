// What an application gives the TypeScript SDKs for OAuth: a place to keep things, and a browser.
import { walk } from '../support/browser.mjs';

export class Provider {
  redirectUrl = 'http://127.0.0.1:9/typescript';
  clientMetadata = {
    client_name: 'TypeScript SDK in the tests',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  /** Times that the person was sent to the sign-in page, and titles of the pages there. */
  signIns = 0;
  pages = [];
  /** Parameters of the last redirect. */
  landed = undefined;

  constructor(user) {
    this.user = user;
  }

  state() {
    this.sentState = crypto.randomUUID();
    return this.sentState;
  }

  clientInformation() {
    return this.client;
  }

  saveClientInformation(client) {
    this.client = client;
  }

  tokens() {
    return this.kept;
  }

  saveTokens(tokens) {
    this.kept = tokens;
  }

  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }

  codeVerifier() {
    return this.verifier;
  }

  discoveryState() {
    return this.discovered;
  }

  saveDiscoveryState(state) {
    this.discovered = state;
  }

  async redirectToAuthorization(url) {
    this.signIns += 1;
    this.asked = url.searchParams;
    this.landed = (await walk(url.href, this.redirectUrl, this.user, this.pages)).searchParams;
  }
}
