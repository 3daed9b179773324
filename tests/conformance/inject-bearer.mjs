// Loopback forwarder for the conformance suite: adds the bearer of $TOKEN and changes nothing else. Host and Origin
// pass as they came, answers stream, and a client that leaves takes its upstream request with it.
//   TOKEN=... node inject-bearer.mjs http://127.0.0.1:8080/mail-query/mcp
import http from 'node:http';

const target = new URL(process.argv[2]);
const token = process.env.TOKEN;

const server = http.createServer((request, response) => {
  const upstream = http.request({
    host: target.hostname,
    port: target.port,
    path: target.pathname,
    method: request.method,
    headers: { ...request.headers, authorization: `Bearer ${token}` },
  });
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  upstream.on('error', (error) => {
    if (!response.headersSent) response.writeHead(502);
    response.end(String(error));
  });
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
});

server.listen(0, 'localhost', () => {
  console.log(`forwarder listening on http://localhost:${server.address().port}/mcp`);
});
