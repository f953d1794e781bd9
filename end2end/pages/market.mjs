// A market of its own to measure: the server's release, in demo mode, with a database of its own.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const root = path.resolve(import.meta.dirname, '../..');
const port = process.env.BENCH_PORT ?? '3919';
const TICKS_A_SECOND = 100;
const START_SECONDS_MAX = 120;

export const chromium = {
  path: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  flags: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
};

/** Starts the market, hands it to `use`, and stops it whatever happened. */
export async function withMarket(use) {
  const program = process.env.MERCATO_BIN ?? path.join(root, 'target/release/mercato');
  const parent = path.join(root, 'target', 'bench-data');
  mkdirSync(parent, { recursive: true });
  const server = spawn(program, ['serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      LEPTOS_SITE_ROOT: path.join(root, 'target', 'site'),
      LEPTOS_OUTPUT_NAME: 'mercato',
      RUST_LOG: 'error',
      ...process.env,
      MERCATO_ADDR: `127.0.0.1:${port}`,
      MERCATO_DATA_DIR: mkdtempSync(path.join(parent, 'run-')),
      MERCATO_DEMO: 'on',
      // One visitor asks for all of it.
      MERCATO_ADDRESS_REQUESTS_A_MINUTE: '100000000',
    },
  });
  const gone = new Promise((resolve) => server.once('exit', resolve));
  try {
    const market = { origin: `http://127.0.0.1:${port}`, cpuSeconds: () => cpuSeconds(server.pid) };
    await answers(market, server);
    return await use(market);
  } finally {
    server.kill('SIGTERM');
    await Promise.race([gone, wait(15_000).then(() => server.kill('SIGKILL'))]);
  }
}

async function answers(market, server) {
  for (let second = 0; second < START_SECONDS_MAX; second += 0.25) {
    if (server.exitCode !== null) throw new Error('the server ended before it answered');
    const reply = await fetch(`${market.origin}/readyz`).catch(() => null);
    if (reply?.ok) return;
    await wait(250);
  }
  throw new Error('the server does not answer');
}

/** Time of the processor that the server alone has used. */
function cpuSeconds(pid) {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(words[11]) + Number(words[12])) / TICKS_A_SECOND;
}

/** The value below which a share of all lie. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
