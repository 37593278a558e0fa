// SPDX-License-Identifier: MIT
/**
 * Where the messages come from: a recording inside this very file, one that the server replays, or the living guest.
 */
import type { App } from './app';
import { parse } from './model/messages';

const AT_ONCE = 30; // milliseconds

export async function open(app: App): Promise<void> {
  const embedded = document.getElementById('recording');
  if (embedded) return replay(app, [embedded.textContent ?? '']);
  if (location.protocol === 'file:') return app.tell('There is no recording in this file.');
  const response = await fetch('recording').catch(() => null);
  const stream = response?.ok && !(response.headers.get('content-type') ?? '').includes('html') ? response.body : null;
  if (stream) return replay(app, chunks(stream));
  connect(app);
}

async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Takes in a recording, and lets the page draw now and then: the first picture is there long before the last line. */
async function replay(app: App, source: AsyncIterable<string> | Iterable<string>): Promise<void> {
  app.replay = true;
  let rest = '';
  let number = 0;
  let drawn = false;
  let until = performance.now() + AT_ONCE;
  for await (const chunk of source) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      takeLine(app, line, ++number, false);
      const first: boolean = !drawn && app.history?.end > 0;
      if (!first && performance.now() < until) continue;
      drawn ||= first;
      await pause();
      until = performance.now() + AT_ONCE;
    }
  }
  if (rest.trim()) takeLine(app, rest, ++number, true);
  if (!app.hello && !app.notice) app.tell('There is nothing in this recording.');
}

function takeLine(app: App, line: string, number: number, last: boolean): void {
  if (!line.trim()) return;
  const message = parse(line);
  if (!message) {
    app.tell(
      last
        ? `The recording is cut short in line ${number}; what came before is shown.`
        : `Line ${number} of the recording is damaged and was left out.`,
    );
    return;
  }
  app.take(message, line.length * 2);
  if (message.type !== 'picture' || !app.hello) return;
  if (opensAt(message.n)) app.seek(app.history.end - 1);
  else if (app.history.end === 1) app.seek(0);
}

/** `page.html#picture=17` opens there. */
function opensAt(n: number): boolean {
  return Number(/picture=(\d+)/.exec(location.hash)?.[1]) === n;
}

/** Until the page had time to draw. A page that nobody sees draws nothing, and is not waited for. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (document.hidden) setTimeout(resolve);
    else requestAnimationFrame(() => setTimeout(resolve));
  });
}

function connect(app: App): void {
  const url = new URL('stream', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  socket.onopen = () => {
    app.connected = true;
    app.mark('state');
  };
  socket.onmessage = (event) => {
    const text = String(event.data);
    for (const line of text.split('\n')) {
      if (!line) continue;
      const message = parse(line);
      if (message) app.take(message, line.length * 2);
      else app.tell('A message was not understood and was left out.');
    }
  };
  socket.onclose = () => {
    app.connected = false;
    if (app.state.run !== 'ended')
      app.tell(
        app.hello
          ? 'The connection to the guest is lost: this is the last picture that came.'
          : 'Nothing answers here: is ./gaur watch still running?',
      );
    app.mark('state');
  };
  app.send = (request) => {
    if (app.notice) app.tell('');
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(request));
    else app.tell('There is no connection to the guest.');
  };
}
