// The page's script. What a model wrote is only ever set as text.

/** The newest turns are sent along: the server keeps no conversation. */
const REMEMBERED_TURNS = 20;
const LONGEST_TURN = 8_000;
const HEALTH_EVERY_MS = 10_000;
const TROUBLE = 'Nobody can answer just now. Please try again in a moment.';

const byId = (id) => document.getElementById(id);
const conversation = byId('conversation');
const turns = [];
/** Left pages may be kept for coming back: what they were being told ends all the same. */
const left = new AbortController();
addEventListener('pagehide', () => left.abort());

function addTurn(role) {
  const article = document.createElement('article');
  article.className = role;
  const text = document.createElement('p');
  text.className = 'text';
  const by = document.createElement('p');
  by.className = 'by';
  article.append(text, by);
  conversation.append(article);
  return { article, text, by };
}

function post(path, body) {
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: left.signal,
  });
}

/** The server-sent events of a response: `[name, data]`. */
async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const events = buffer.split('\n\n');
    buffer = events.pop();
    for (const event of events) {
      const fields = new Map(
        event
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      );
      yield [fields.get('event'), JSON.parse(fields.get('data'))];
    }
  }
}

async function ask(question) {
  addTurn('question').text.textContent = question;
  const { article, text, by } = addTurn('answer');
  article.dataset.state = 'streaming';
  article.setAttribute('aria-busy', 'true');
  let answer = '';
  let state = 'failed';
  try {
    const response = await post('/chat', { question, earlier: turns.slice(-REMEMBERED_TURNS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    for await (const [name, data] of readEvents(response)) {
      if (name === 'text') {
        answer += data.text;
        text.textContent = answer;
      } else if (name === 'failed') {
        by.textContent = data.message;
      } else if (name === 'done') {
        state = 'complete';
        by.textContent = `Answered by ${data.model}${data.finish === 'stop' ? '' : ', cut short'}`;
        article.dataset.model = data.model;
        article.dataset.provider = data.provider;
      }
    }
  } catch {
    // Told below, in words for the person who asked.
  }
  if (state === 'complete' && answer !== '') {
    for (const [role, content] of Object.entries({ user: question, assistant: answer })) {
      turns.push({ role, content: content.slice(0, LONGEST_TURN) });
    }
  }
  if (state === 'failed' && by.textContent === '') by.textContent = TROUBLE;
  article.removeAttribute('aria-busy');
  article.dataset.state = state;
}

async function draft(notes, tone) {
  const letter = byId('letter');
  const [text, by] = letter.children;
  letter.hidden = false;
  text.textContent = '…';
  by.textContent = '';
  letter.dataset.state = 'writing';
  try {
    const response = await post('/drafts', { notes, tone });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { text: written, model } = await response.json();
    text.textContent = written;
    by.textContent = `Drafted by ${model}`;
    letter.dataset.state = 'complete';
  } catch {
    text.textContent = '';
    by.textContent = TROUBLE;
    letter.dataset.state = 'failed';
  }
}

async function showHealth() {
  const line = byId('health');
  try {
    const { status, details } = await (await fetch('/health')).json();
    const unwell = Object.entries(details)
      .filter(([, { status: own }]) => own !== 'up')
      .map(([name]) => name.replace('surface.', ''));
    line.dataset.status = status === 'ok' ? 'up' : status === 'degraded' ? 'degraded' : 'down';
    const said = unwell.length === 0 ? 'All models are well' : `Degraded: ${unwell.join(', ')}`;
    if (line.textContent !== said) line.textContent = said;
  } catch {
    line.dataset.status = 'down';
    line.textContent = 'The support desk cannot be reached';
  }
}

/** One at a time: a second press while an answer is written does nothing. */
function onSubmit(form, run) {
  const button = form.querySelector('button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    await run();
    button.disabled = false;
    await showHealth();
  });
}

onSubmit(byId('chat'), async () => {
  const field = byId('question');
  const question = field.value.trim();
  if (question === '') return;
  field.value = '';
  await ask(question);
});
byId('question').addEventListener('keydown', (event) => {
  // Enter sends, with Shift it is a new line; not while a character is being composed.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('chat').requestSubmit();
});
onSubmit(byId('draft'), async () => {
  const notes = byId('notes').value.trim();
  if (notes !== '') await draft(notes, byId('tone').value);
});

await showHealth();
setInterval(showHealth, HEALTH_EVERY_MS);
