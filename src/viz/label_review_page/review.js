'use strict';
// One item at a time. Answers are kept by "query_id/field", saved as CSV, and held in this browser between visits where it allows that.
const stored = document.getElementById('items').textContent;
const items = JSON.parse(stored);
const byId = (id) => document.getElementById(id);
const keyOf = (item) => item.query_id + '/' + item.field;
// Of this very sample: another audit's answers are none of ours. FNV-1a over the items.
const digest = () => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < stored.length; i += 1) hash = Math.imul(hash ^ stored.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
};
const storageName = `label-review ${digest()} ${stored.length}`;
const words = {
  question: ['Yes', 'No'], category: ['Right', 'Wrong'], findings: ['Right', 'Wrong'], comparisons: ['Right', 'Wrong'],
};
let answers = {};
let done = []; // keys in the order in which they were answered, for undo
let at = 0;
let unsaved = false;

function say(text) { byId('state').textContent = text; }

function remember() {
  try { localStorage.setItem(storageName, JSON.stringify(answers)); } catch { /* a file's page may have no storage */ }
}

// The report with each passage of evidence in a <mark>, whatever its white space.
function showMarked(element, text, passages) {
  element.replaceChildren();
  const spans = [];
  for (const passage of passages) {
    const parts = passage.trim().split(/\s+/).filter(Boolean).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    if (parts.length === 0) continue;
    const found = new RegExp(parts.join('\\s+')).exec(text);
    if (found) spans.push([found.index, found.index + found[0].length]);
  }
  spans.sort((a, b) => a[0] - b[0]);
  let from = 0;
  for (const [begin, end] of spans) {
    if (begin < from) continue;
    element.append(text.slice(from, begin));
    const mark = document.createElement('mark');
    mark.textContent = text.slice(begin, end);
    element.append(mark);
    from = end;
  }
  element.append(text.slice(from));
}

function show() {
  const item = items[at];
  const answered = items.filter((one) => answers[keyOf(one)]).length;
  byId('progress').max = items.length;
  byId('progress').value = answered;
  byId('place').textContent = `${at + 1} of ${items.length}, ${answered} answered · ${item.query_id}`;
  byId('question').textContent = item.title;
  byId('judged').hidden = item.text === '';
  byId('text').textContent = item.text;
  [byId('yes').textContent, byId('no').textContent] = words[item.kind] || words.question;
  byId('model').hidden = item.label === '';
  byId('model').open = false;
  byId('label').textContent = item.label;
  showMarked(byId('report'), item.report, item.evidence);
  for (const button of document.querySelectorAll('[data-answer]'))
    button.setAttribute('aria-pressed', String(answers[keyOf(item)] === button.dataset.answer));
}

function move(by) {
  at = Math.min(Math.max(at + by, 0), items.length - 1);
  show();
}

function answer(value) {
  const key = keyOf(items[at]);
  done.push([at, answers[key]]);
  answers[key] = value;
  unsaved = true;
  remember();
  let next = at + 1;
  while (next < items.length && answers[keyOf(items[next])]) next += 1;
  if (next < items.length) at = next;
  show();
  if (items.every((item) => answers[keyOf(item)])) say('All answered: save the answers.');
}

function undo() {
  if (done.length === 0) return;
  const [place, before] = done.pop();
  at = place;
  if (before) answers[keyOf(items[at])] = before;
  else delete answers[keyOf(items[at])];
  remember();
  show();
}

const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function save() {
  const lines = ['query_id,field,answer'];
  for (const item of items) {
    if (answers[keyOf(item)]) lines.push([item.query_id, item.field, answers[keyOf(item)]].map(quoted).join(','));
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], { type: 'text/csv' }));
  link.download = `review-${byId('reviewer').value.trim().replace(/[^\p{L}\p{N}_-]+/gu, '-') || 'answers'}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
  unsaved = false;
  say(`${lines.length - 1} answers in ${link.download}: put it beside this page.`);
}

async function load(file) {
  const known = new Set(items.map(keyOf));
  let taken = 0;
  for (const line of (await file.text()).split(/\r?\n/).slice(1)) {
    const fields = line.split(',');
    if (fields.length !== 3 || !known.has(`${fields[0]}/${fields[1]}`) || !['yes', 'no', 'unsure'].includes(fields[2])) continue;
    answers[`${fields[0]}/${fields[1]}`] = fields[2];
    taken += 1;
  }
  done = [];
  remember();
  const open = items.findIndex((item) => !answers[keyOf(item)]);
  at = open < 0 ? 0 : open;
  show();
  say(`${taken} answers of ${file.name}`);
}

for (const button of document.querySelectorAll('[data-answer]')) button.addEventListener('click', () => answer(button.dataset.answer));
byId('undo').addEventListener('click', undo);
byId('back').addEventListener('click', () => move(-1));
byId('on').addEventListener('click', () => move(1));
byId('save').addEventListener('click', save);
byId('load').addEventListener('change', (event) => { if (event.target.files[0]) load(event.target.files[0]); });
addEventListener('keydown', (event) => {
  if (event.target.matches('input') || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { y: () => answer('yes'), n: () => answer('no'), u: () => answer('unsure'), z: undo, Backspace: undo,
    ArrowLeft: () => move(-1), ArrowRight: () => move(1) }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
addEventListener('beforeunload', (event) => { if (unsaved) event.preventDefault(); });
try { answers = JSON.parse(localStorage.getItem(storageName)) || {}; } catch { answers = {}; }
if (items.length > 0) move(Math.max(0, items.findIndex((item) => !answers[keyOf(item)])));
