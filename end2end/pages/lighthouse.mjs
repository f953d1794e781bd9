// Lighthouse's marks for a phone: 100 each, and 95 for performance. `--without-performance` leaves that one out, since
// other work on the machine lowers it.

import lighthouse from 'lighthouse';
import { chromium as browsers } from '@playwright/test';
import { chromium, withMarket } from './market.mjs';

const PAGES = ['/', '/models', '/models/openai/gpt-5-mini'];
const CHROMIUM_PORT = 9339;
const LEAST = { accessibility: 1, 'best-practices': 1, seo: 1 };
if (!process.argv.includes('--without-performance')) LEAST.performance = 0.95;

let failed = 0;

await withMarket(async (market) => {
  const args = [...chromium.flags, `--remote-debugging-port=${CHROMIUM_PORT}`];
  const browser = await browsers.launch({ executablePath: chromium.path, args });
  try {
    for (const page of PAGES) {
      const flags = { port: CHROMIUM_PORT, logLevel: 'error', onlyCategories: Object.keys(LEAST) };
      tell(page, await report(market.origin + page, flags));
    }
  } finally {
    await browser.close();
  }
});
process.exitCode = failed ? 1 : 0;

/** Chromium now and then hands Lighthouse a recording without its beginning, which says nothing of the page. */
async function report(url, flags, tries = 2) {
  const { lhr } = await lighthouse(url, flags);
  if (lhr.runtimeError?.code === 'NO_NAVSTART' && tries > 1) return report(url, flags, tries - 1);
  if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
  return lhr;
}

function tell(page, { categories, audits }) {
  const marks = Object.values(categories).map(({ id, score }) => `${id} ${Math.round(score * 100)}`);
  const timed = ['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time', 'cumulative-layout-shift'];
  const figures = timed.flatMap((id) => (audits[id] ? [`${id} ${audits[id].displayValue}`] : []));
  console.log(`${page}: ${[...marks, ...figures].join(', ')}`);
  for (const { id, score, auditRefs } of Object.values(categories)) {
    const isBelow = score === null || score < LEAST[id];
    failed += isBelow ? 1 : 0;
    const short = auditRefs.map((ref) => ({ ...audits[ref.id], weight: ref.weight })).filter(
      (audit) => audit.weight > 0 && (audit.score ?? 1) < (id === 'performance' ? 0.9 : 1),
    );
    for (const { title, displayValue } of short) {
      console.log(`  ${isBelow ? 'FAILED' : 'note'} ${id}: ${title} ${displayValue ?? ''}`);
    }
  }
}
