// What the server bears, and how soon it answers.

import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { quantile } from './market.mjs';

const SECONDS = 8;
const ASKED = 100;

/** Sixteen connections that ask for one page as fast as it comes. */
export function pressure(market, path) {
  const ask = (seconds) =>
    execFileSync('wrk', ['-t2', '-c16', `-d${seconds}s`, market.origin + path], { encoding: 'utf8' });
  ask(2);
  const before = market.cpuSeconds();
  const said = ask(SECONDS);
  const used = market.cpuSeconds() - before;
  const requests = Number(/(\d+) requests in/.exec(said)[1]);
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(said)?.[1] ?? 0);
  return { aSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(said)[1]), cpuMs: (used * 1000) / requests, failed };
}

/** Milliseconds to the first byte, one request after the other. */
export async function firstBytes(market, path) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const took = [];
  for (let count = 0; count < ASKED; count += 1) took.push(await firstByte(market.origin + path, agent));
  agent.destroy();
  return { median: quantile(took, 0.5), p95: quantile(took, 0.95) };
}

function firstByte(url, agent) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const request = http.get(url, { agent, headers: { accept: 'text/html', 'accept-encoding': 'br' } }, (reply) => {
      reply.once('data', () => resolve(performance.now() - start));
      reply.once('end', () => resolve(performance.now() - start));
      reply.resume();
    });
    request.once('error', reject);
  });
}
