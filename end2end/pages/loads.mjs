// What a visitor waits for: first visits in Chromium, each with an empty cache.

import { chromium as browsers } from '@playwright/test';
import { chromium, quantile } from './market.mjs';

const LOADS = 9;
const LETTERS = 'claude';
const MEGABIT = 1_000_000 / 8;

/** Conditions of a visit: a phone on Fast 4G, or this machine as it is. */
export const PHONE = { slowDown: 4, bytesASecond: 9 * MEGABIT, latencyMs: 60 };
export const PLAIN = { slowDown: 1, bytesASecond: -1, latencyMs: 0 };

export async function withBrowser(use) {
  const browser = await browsers.launch({ executablePath: chromium.path, args: chromium.flags });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** Median and worst of nine first visits. */
export async function visits(browser, url, conditions) {
  const seen = [];
  for (let load = 0; load < LOADS; load += 1) seen.push(await visit(browser, url, conditions));
  const of = (name) => seen.map((each) => each[name]);
  return Object.fromEntries(
    Object.keys(seen[0]).map((name) => [name, [quantile(of(name), 0.5), Math.max(...of(name))]]),
  );
}

async function visit(browser, url, { slowDown, bytesASecond, latencyMs }) {
  // A context has a cache of its own, empty at first.
  const context = await browser.newContext({ viewport: { width: 412, height: 823 } });
  try {
    const page = await context.newPage();
    const wire = await context.newCDPSession(page);
    await wire.send('Network.enable');
    await wire.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: latencyMs,
      downloadThroughput: bytesASecond,
      uploadThroughput: bytesASecond,
    });
    await wire.send('Emulation.setCPUThrottlingRate', { rate: slowDown });
    const fetched = { bytes: 0, requests: 0 };
    wire.on('Network.loadingFinished', ({ encodedDataLength }) => {
      fetched.bytes += encodedDataLength;
      fetched.requests += 1;
    });
    await page.addInitScript(observe);
    await page.goto(url);
    await page.locator('html[data-hydrated]').waitFor({ state: 'attached' });
    // Whatever hydration put off belongs to it.
    await page.waitForTimeout(500);
    return { ...(await page.evaluate(() => globalThis.observed())), ...fetched };
  } finally {
    await context.close();
  }
}

/** Runs within the page, before anything of it. */
function observe() {
  const heard = { largest: 0, shift: 0, tasks: [] };
  const on = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  on('largest-contentful-paint', (entry) => (heard.largest = entry.startTime));
  on('layout-shift', (entry) => (heard.shift += entry.hadRecentInput ? 0 : entry.value));
  on('longtask', (entry) => heard.tasks.push([entry.startTime, entry.duration]));
  globalThis.observed = () => {
    const first = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;
    const blocking = heard.tasks
      .filter(([start, duration]) => start + duration > first)
      .reduce((sum, [, duration]) => sum + Math.max(0, duration - 50), 0);
    const hydrated = performance.getEntriesByName('hydrated')[0]?.startTime ?? Number.NaN;
    return { first, largest: heard.largest, hydrated, blocking, shift: heard.shift };
  };
}

/** From a letter typed into the catalogue's search field until its results are painted. */
export async function keystrokes(browser, url) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    await page.locator('html[data-hydrated]').waitFor({ state: 'attached' });
    await page.evaluate(watchTyping);
    await page.locator('main input[name=q]').focus();
    for (const letter of LETTERS) {
      await page.keyboard.type(letter);
      await page.waitForTimeout(1_200);
    }
    return await page.evaluate(() => globalThis.waits);
  } finally {
    await page.close();
  }
}

/** Runs within the page: the first change of the results after each letter, and the frame that shows it. */
function watchTyping() {
  globalThis.waits = [];
  let typed = null;
  addEventListener('input', (event) => (typed = event.timeStamp), true);
  new MutationObserver(() => {
    if (typed === null) return;
    const since = typed;
    typed = null;
    requestAnimationFrame(() => setTimeout(() => globalThis.waits.push(performance.now() - since)));
  }).observe(document.querySelector('main .found'), { childList: true, subtree: true, characterData: true });
}
