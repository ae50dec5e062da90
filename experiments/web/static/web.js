// What the pages share: calls to the server, and a few helpers.

const session = fetch(new URL("../session", import.meta.url)).then((r) => r.json());

// call posts value, or gets if there is none, and returns the answer. It throws the server's error.
export async function call(path, value) {
  const request = { headers: {} };
  if (value !== undefined) {
    request.method = "POST";
    request.body = JSON.stringify(value);
    request.headers = { "Content-Type": "application/json", "X-Csrf-Token": (await session).csrf };
  }
  const r = await fetch(path, request);
  const answer = await r.json().catch(() => ({ error: `the server said ${r.status}` }));
  if (!r.ok) throw new Error(answer.error);
  return answer;
}

// stream hands each event of a server-sent stream to f, as it comes, also after interruptions.
export function stream(path, f) {
  const source = new EventSource(path);
  source.onmessage = (e) => f(JSON.parse(e.data));
  return source;
}

// make returns a new element with properties and children.
export function make(tag, props = {}, ...children) {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
}

// by returns the element with an id.
export const by = (id) => document.getElementById(id);
