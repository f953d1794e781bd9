// Checks a statement on the page that is made for it. The chosen file is read here and sent nowhere.

import init, { verify } from '/pkg/statement.js';

const FILE_BYTES_MAX = 256 * 1024 * 1024;

// Fetched with the page, so that the check also works when the network is gone.
const ready = init({ module_or_path: '/pkg/statement.wasm' }).then(() => true, () => false);

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const [drawing, use] = [document.createElementNS(space, 'svg'), document.createElementNS(space, 'use')];
  drawing.setAttribute('class', 'icon');
  drawing.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `/icons.svg#${name}`);
  drawing.append(use);
  return drawing;
}

function refused(headline, advice) {
  return { genuine: false, headline, facts: [], advice };
}

async function reportOn(file, key) {
  if (!file) {
    return refused('Choose a statement first.', 'It is the JSON file that you downloaded.');
  }
  if (file.size > FILE_BYTES_MAX) {
    return refused('This file is too large to be checked in a browser.', 'Use the command line instead.');
  }
  if (!(await ready)) {
    return refused('The check could not be loaded.', 'Load this page anew, or use the command line instead.');
  }
  try {
    return JSON.parse(verify(await file.text(), key));
  } catch {
    return refused('This file could not be checked.', 'Use the command line instead, which says more.');
  }
}

// What a file says is only ever text here, never markup.
function show({ genuine, headline, facts, advice }) {
  const words = element('div', { className: 'stack' }, element('p', {}, element('b', { textContent: headline })));
  words.append(element('p', { className: 'verify-advice', textContent: advice }));
  const notice = element('div', { className: `notice ${genuine ? 'good' : 'bad'}` });
  notice.append(icon(genuine ? 'circle-check' : 'circle-alert'), words);
  document.getElementById('statement-verdict').replaceChildren(notice);
  const list = element('dl', { className: 'kv' });
  for (const [name, figure] of facts) {
    list.append(element('dt', { textContent: name }), element('dd', { className: 'num', textContent: figure }));
  }
  const card = facts.length ? [element('section', { className: 'card sheet', ariaLabel: 'What it says' }, list)] : [];
  document.getElementById('statement-facts').replaceChildren(...card);
}

let newest = 0;

async function check() {
  const turn = ++newest;
  const file = document.getElementById('statement-file').files[0];
  const report = await reportOn(file, document.getElementById('statement-key').value);
  // A file that was chosen meanwhile, or a page that was left, is not to be overwritten.
  if (turn === newest && document.getElementById('statement-verdict')) {
    show(report);
  }
}

// On the document, since the page may be drawn anew while this module is run once.
document.addEventListener('change', ({ target }) => {
  if (target.id === 'statement-file' && target.files.length) {
    check();
  }
});
document.addEventListener('submit', (event) => {
  if (event.target.id === 'statement-form') {
    event.preventDefault();
    check();
  }
});
