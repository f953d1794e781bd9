// How quick pages are: what the server needs for one, and how long a visitor waits. `cargo xtask bench pages` runs it.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { firstBytes, pressure } from './load.mjs';
import { PHONE, PLAIN, keystrokes, visits, withBrowser } from './loads.mjs';
import { quantile, withMarket } from './market.mjs';

const MODEL = '/models/openai/gpt-5-mini';
const PUBLIC = [
  '/', '/models', '/models?q=claude', MODEL, '/compare', '/recommend?task=coding', '/plot', '/pricing', '/books',
  '/status', '/statements/verify', '/sign-in', '/sign-up', '/forgot', '/chat', '/there-is-no-such-page',
];
// As many models as a page shows at most.
const FULL = '/models?per_page=60';
const SHOWN = { home: '/', catalogue: '/models', model: MODEL };

let missed = 0;

function tell(what, value, most, unit = '', digits = 0) {
  judge(value <= most, `${what}: ${value.toFixed(digits)}${unit}, at most ${most}${unit}`);
}

function judge(is, told) {
  missed += is ? 0 : 1;
  console.log(`${is ? 'met   ' : 'MISSED'} ${told}`);
}

await withMarket(async (market) => {
  for (const each of PUBLIC) {
    const { median, p95 } = await firstBytes(market, each);
    tell(`first byte of ${each}, p95 (median ${median.toFixed(1)} ms)`, p95, 20, ' ms', 1);
  }
  for (const each of [FULL, ...Object.values(SHOWN)]) {
    const { aSecond, cpuMs, failed } = pressure(market, each);
    const rate = `${each}: ${aSecond.toFixed(0)} a second on 16 connections, ${failed} failed`;
    if (each === FULL) {
      judge(aSecond >= 2_500 && failed === 0, `${rate}, at least 2500`);
      tell(`${each}, CPU a page`, cpuMs, 0.7, ' ms', 2);
    } else {
      console.log(`       ${rate}, ${cpuMs.toFixed(2)} ms of CPU each`);
    }
  }
  const site = process.env.LEPTOS_SITE_ROOT ?? path.resolve(import.meta.dirname, '../../target/site');
  tell('wasm after brotli', readFileSync(path.join(site, 'pkg/mercato.wasm.br')).length, 350_000, ' bytes');
  await withBrowser(async (browser) => {
    for (const [name, each] of Object.entries(SHOWN)) {
      const phone = await visits(browser, market.origin + each, PHONE);
      const on = (what, key, most, unit, digits) => {
        const [median, worst] = phone[key];
        tell(`${name} on a phone, ${what} (worst ${worst.toFixed(digits ?? 0)})`, median, most, unit, digits);
      };
      on('bytes', 'bytes', 500_000);
      on('requests', 'requests', 12);
      on('first paint', 'first', 1_500, ' ms');
      on('largest paint', 'largest', 2_000, ' ms');
      on('awake', 'hydrated', 3_500, ' ms');
      on('blocked', 'blocking', 200, ' ms');
      on('shift', 'shift', 0.02, '', 4);
      const plain = await visits(browser, market.origin + each, PLAIN);
      tell(`${name} here, largest paint (worst ${plain.largest[1].toFixed(0)})`, plain.largest[0], 250, ' ms');
      tell(`${name} here, awake (worst ${plain.hydrated[1].toFixed(0)})`, plain.hydrated[0], 500, ' ms');
    }
    const waits = await keystrokes(browser, market.origin + SHOWN.catalogue);
    const told = waits.map((wait) => wait.toFixed(0)).join(', ');
    tell(`keystroke to painted, median of ${told}`, quantile(waits, 0.5), 80, ' ms');
  });
});
console.log(missed ? `${missed} missed` : 'all met');
