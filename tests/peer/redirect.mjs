// Loaded into the peer: its Graph is the one of the tests.
const real = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const url = String(input.url ?? input).replace('https://graph.microsoft.com', process.env.COUNTER);
  return real(input.url ? new Request(url, input) : url, init);
};
