// Journeys through the real program, in demo mode, on a database of their own: once with scripts, once without.

import { mkdirSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from '@playwright/test';
import { operator } from './support/operator.ts';

const root = path.resolve(import.meta.dirname, '..');
const port = process.env.JOURNEY_PORT ?? '3917';
const program = path.resolve(import.meta.dirname, process.env.MERCATO_BIN ?? '../target/debug/mercato');

// Workers read this file too; the folder is made by the first reader and inherited by the others.
process.env.JOURNEY_DATA ??= newFolder(path.join(root, 'target', 'journey-data'));

function newFolder(parent: string): string {
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(path.join(parent, 'run-'));
}

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: 'artefacts',
  workers: 1,
  retries: 0,
  timeout: 60_000,
  forbidOnly: true,
  reporter: [['line'], ['json', { outputFile: 'artefacts/report.json' }]],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    viewport: { width: 1280, height: 900 },
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
  projects: [
    { name: 'scripts-on' },
    { name: 'scripts-off', use: { javaScriptEnabled: false }, testIgnore: '*.hydrate.spec.ts' },
  ],
  // The rest of the environment, such as DATABASE_URL, is passed on as it is.
  webServer: {
    command: `"${program}" serve`,
    url: `http://127.0.0.1:${port}/healthz`,
    timeout: 120_000,
    reuseExistingServer: false,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 10_000 },
    env: {
      MERCATO_ADDR: `127.0.0.1:${port}`,
      MERCATO_DATA_DIR: process.env.JOURNEY_DATA,
      MERCATO_DEMO: 'on',
      MERCATO_ADMIN_EMAIL: operator.email,
      MERCATO_ADMIN_PASSWORD: operator.password,
      LEPTOS_SITE_ROOT: process.env.LEPTOS_SITE_ROOT ?? path.join(root, 'target', 'site'),
    },
  },
});
