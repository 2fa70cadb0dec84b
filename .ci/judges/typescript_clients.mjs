// Both generations of the official TypeScript client make the same calls, over stdio and over HTTP.
//   node typescript_clients.mjs URL COMMAND...
import { readFileSync } from 'node:fs';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';

const [url, command, ...args] = process.argv.slice(2);
const calls = JSON.parse(readFileSync(new URL('calls.json', import.meta.url)));
const generations = [
  ['v1', Client1, Stdio1, Http1, {}],
  ['v2 with a handshake', Client2, Stdio2, Http2, { versionNegotiation: { mode: 'legacy' } }],
  ['v2', Client2, Stdio2, Http2, { versionNegotiation: { mode: 'auto' } }],
];

async function ending(client, { tool, arguments: given }) {
  try {
    return (await client.callTool({ name: tool, arguments: given })).isError ? 'refusal' : 'answer';
  } catch {
    return 'protocol error';
  }
}

let wrong = 0;
for (const [name, Client, Stdio, Http, options] of generations) {
  for (const [where, transport] of [
    ['stdio', new Stdio({ command, args, stderr: 'ignore', env: { ...process.env } })],
    ['http', new Http(new URL(url))],
  ]) {
    const client = new Client({ name: 'judge', version: '0' }, { capabilities: {}, ...options });
    await client.connect(transport);
    const { tools } = await client.listTools();
    const prompts = (await client.listPrompts()).prompts.length;
    const resources = (await client.listResources()).resources;
    for (const { uri } of resources) await client.readResource({ uri });
    for (const call of calls) {
      const got = await ending(client, call);
      if (got !== call.ends) {
        wrong += 1;
        console.log(`  ${call.tool} ${JSON.stringify(call.arguments)} ends in ${got}, not ${call.ends}`);
      }
    }
    console.log(`TypeScript ${name}, ${where}: ${tools.length} tools, ${prompts} prompts, ${resources.length} resources`);
    await client.close();
  }
}
process.exit(wrong ? 1 : 0);
