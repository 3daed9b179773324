// `query_email` on the official TypeScript SDK and node:http, as its own documentation builds a server. It knows one
// bearer, keeps it in memory and decrypts nothing, which is less than Entrada does.
import { createServer } from 'node:http';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';
import * as z from 'zod';

const { PEER_GRAPH_URL, PEER_GRAPH_TOKEN, PEER_BEARER } = process.env;
const bearers = new Map([[PEER_BEARER, 'alice']]);
const input = z.object({ days_back: z.number().optional(), max_mails: z.number().optional() });

async function queryEmail() {
  const answer = await fetch(PEER_GRAPH_URL, { headers: { authorization: `Bearer ${PEER_GRAPH_TOKEN}` } });
  if (!answer.ok) throw new Error(`Graph answered ${answer.status}`);
  const messages = (await answer.json()).value.map((mail) => ({
    id: mail.id,
    subject: mail.subject,
    from: mail.from,
    to_recipients: mail.toRecipients,
    received_date_time: mail.receivedDateTime,
    is_read: mail.isRead,
    has_attachments: mail.hasAttachments,
    importance: mail.importance,
    conversation_id: mail.conversationId,
    body_preview: mail.bodyPreview,
    web_link: mail.webLink,
  }));
  const text = messages
    .map((mail) => `- ${mail.received_date_time} **${mail.subject}**\n  ${mail.body_preview}\n`)
    .join('');
  return { content: [{ type: 'text', text }], structuredContent: { messages } };
}

const handler = toNodeHandler(
  createMcpHandler(
    () => {
      const server = new McpServer({ name: 'peer', version: '1.0.0' });
      const description = "Search the signed-in user's mail.";
      server.registerTool('query_email', { description, inputSchema: input }, queryEmail);
      return server;
    },
    { responseMode: 'json' },
  ),
);

const server = createServer((request, response) => {
  const bearer = request.headers.authorization?.replace(/^Bearer /, '');
  if (!bearers.has(bearer)) return response.writeHead(401).end();
  return handler(request, response);
});
server.listen(0, '127.0.0.1', () => console.log(`peer listening on http://127.0.0.1:${server.address().port}`));
