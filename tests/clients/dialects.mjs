// Where the two TypeScript SDKs differ. Both are installed in target/node, so they are required from there.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const load = createRequire(join(process.env.NODE_FOLDER, 'package.json'));
const INFO = { name: 'entrada-tests', version: '1' };
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };

function v1() {
  const sdk = '@modelcontextprotocol/sdk';
  const { Client } = load(`${sdk}/client/index.js`);
  const { StreamableHTTPClientTransport } = load(`${sdk}/client/streamableHttp.js`);
  const { SSEClientTransport } = load(`${sdk}/client/sse.js`);
  const { StdioClientTransport } = load(`${sdk}/client/stdio.js`);
  const types = load(`${sdk}/types.js`);
  const notifications = {
    'notifications/tools/list_changed': types.ToolListChangedNotificationSchema,
    'notifications/resources/updated': types.ResourceUpdatedNotificationSchema,
  };
  return {
    name: 'TS SDK v1',
    StreamableHTTPClientTransport,
    SSEClientTransport,
    StdioClientTransport,
    client: () => new Client(INFO, { capabilities: CAPABILITIES }),
    finishAuth: (transport, landed) => transport.finishAuth(landed.get('code')),
    call: (client, params, options) => client.callTool(params, undefined, options),
    onNotification: (client, method, handler) => client.setNotificationHandler(notifications[method], handler),
    onElicitation: (client, handler) => client.setRequestHandler(types.ElicitRequestSchema, handler),
    version: (client, transport) => transport.protocolVersion ?? transport._protocolVersion,
  };
}

function v2() {
  const { Client, SSEClientTransport, StreamableHTTPClientTransport } = load('@modelcontextprotocol/client');
  return {
    name: 'TS SDK v2',
    StreamableHTTPClientTransport,
    SSEClientTransport,
    client: (mode) => new Client(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode } }),
    finishAuth: (transport, landed) => transport.finishAuth(landed),
    call: (client, params, options) => client.callTool(params, options),
    onNotification: (client, method, handler) => client.setNotificationHandler(method, handler),
    onElicitation: (client, handler) => client.setRequestHandler('elicitation/create', handler),
    version: (client) => client.getNegotiatedProtocolVersion(),
  };
}

export const dialects = { v1, v2 };
