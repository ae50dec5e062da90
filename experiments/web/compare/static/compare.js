import { by, call, make } from "../web/web.js";

const REST = 0.5; // seconds that both pieces stay at their end before they start again
const SHOWN = 1.5; // seconds that a piece takes at least, at the speed that the page begins with
const WAIT = 2000; // milliseconds between two looks for new questions

const sides = ["left", "right"];
let name = "", question = null, busy = false, paced = false;
let pieces = {}; // by side: reel, clip, marks
let playing = true, at = 0, before = 0; // seconds of simulated time; of the clock
let strength = 0, shown = 0, hidden = 0, pointer = "left";

const length = () => Math.max(...sides.map((s) => pieces[s].clip.steps / pieces[s].clip.fps));
const stepAt = (s) => Math.min(pieces[s].clip.steps, Math.floor(at * pieces[s].clip.fps + 1e-6));
const say = (text, bad) => { by("message").textContent = text; by("message").className = bad ? "error" : "dim"; };

async function show(q) {
  const fresh = {};
  if (q.place) {
    for (const s of sides) fresh[s] = { clip: q[s], reel: await terrariumReel.decode(q[s].reel), marks: new Map() };
  }
  question = q; // from here on nothing waits: what is drawn belongs together
  pieces = fresh;
  by("where").textContent = q.env || "";
  by("bar").max = Math.max(1, q.asked);
  by("bar").value = q.done;
  by("count").textContent = `${q.done} of ${q.asked} answered` + (q.broken ? `, ${q.broken} cannot be shown` : "");
  by("question").hidden = !q.place;
  if (!q.place) {
    say(q.asked ? "No question waits for you. This page looks for new ones." : "There are no questions yet. This page looks for them.");
    setTimeout(() => { if (!question.place) next(); }, WAIT);
    return;
  }
  for (const s of sides) {
    by(s).querySelector("canvas").style.aspectRatio = q[s].ratio;
    by(s).querySelector("figcaption").textContent =
      q[s].ends === "terminated" ? "the episode ends here" : q[s].ends === "truncated" ? "the time is up here" : "";
    by(s).classList.remove("chosen");
  }
  if (!paced) { // short pieces are shown slowly
    const speeds = [...by("speed").options].map((o) => +o.value).filter((v) => v <= 1);
    by("speed").value = speeds.findLast((v) => length() / v >= SHOWN) ?? speeds[0];
    paced = true;
  }
  at = 0; before = performance.now(); playing = true; shown = before; hidden = 0;
  setStrength(0);
  by("scrub").max = length();
  say("");
  paint();
}

// next asks for what to show.
const next = () => act("next", { name });

// act posts a request whose answer is the next question.
async function act(path, body) {
  if (busy) return;
  busy = true;
  try {
    await show(await call(path, body));
  } catch (e) {
    say(e.message, true);
  }
  busy = false;
  document.body.dataset.done = question ? question.done : ""; // for tests
}

function answer(how) {
  if (!question?.place || busy) return;
  for (const s of sides) by(s).classList.toggle("chosen", s === how);
  const marks = (s) => [...pieces[s].marks].map(([step, value]) => ({ step, value }));
  act("answer", {
    name, place: question.place, answer: how, strength: how === "left" || how === "right" ? strength : 0,
    seconds: (performance.now() - shown - hidden) / 1000, left: marks("left"), right: marks("right"),
  });
}

function setStrength(x) {
  strength = strength === x ? 0 : x;
  for (const b of document.querySelectorAll("[data-strength]")) b.setAttribute("aria-pressed", +b.dataset.strength === strength);
}

// mark sets a mark at the moment shown, or takes the same one away. Moments count from the step
// that led to them.
function mark(s, value) {
  const step = Math.max(0, stepAt(s) - 1), marks = pieces[s].marks;
  if (marks.get(step) === value) marks.delete(step); else marks.set(step, value);
  paint();
}

function paint() {
  for (const s of sides) {
    const p = pieces[s], canvas = by(s).querySelector("canvas"), size = canvas.getBoundingClientRect();
    const w = Math.max(1, Math.round(size.width * devicePixelRatio)), h = Math.max(1, Math.round(size.height * devicePixelRatio));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    terrariumReel.draw(canvas, p.reel.frames[stepAt(s)], terrariumReel.theme());
    const track = by(s).querySelector(".marks"), left = (x) => `${(100 * x) / p.clip.steps}%`;
    track.replaceChildren(
      ...[...p.marks].map(([step, v]) => {
        const dot = make("i", { className: v > 0 ? "good" : "bad", title: v > 0 ? "good" : "bad" });
        dot.style.left = left(step + 1);
        return dot;
      }),
      make("b"),
    );
    track.lastChild.style.left = left(stepAt(s));
    track.setAttribute("aria-valuenow", stepAt(s));
  }
  by("scrub").value = Math.min(at, length());
  by("play").textContent = playing ? "❚❚" : "▶";
  by("play").setAttribute("aria-label", playing ? "pause" : "play");
}

function tick(now) {
  if (question?.place && playing) {
    at += (Math.max(0, now - before) / 1000) * +by("speed").value; // a frame may have begun before the question
    if (at > length() + REST * +by("speed").value) at = 0;
    paint();
  }
  before = now;
  requestAnimationFrame(tick);
}

function seek(seconds) {
  playing = false;
  at = Math.max(0, Math.min(length(), seconds));
  paint();
}

async function statistics() {
  const p = await call("progress");
  const table = (head, rows) => make("table", {},
    make("tr", {}, ...head.map((h) => make("th", { textContent: h }))),
    ...rows.map((r) => make("tr", {}, ...r.map((x) => make("td", { textContent: x, className: typeof x === "number" ? "number" : "" })))));
  const percent = (x) => `${Math.round(100 * x)} %`;
  const parts = [make("p", { textContent: `${p.answered} of ${p.questions} questions answered by someone.` })];
  if (p.annotators.length) {
    parts.push(table(["name", "left", "right", "as good", "can’t tell", "skipped", "seconds, median"],
      p.annotators.map((a) => [a.name, a.left, a.right, a.ties, a.cannot_tell, a.skipped, +a.median_seconds.toFixed(1)])));
  }
  if (p.agreement.length) {
    parts.push(table(["", "", "both", "agree", "kappa"],
      p.agreement.map((a) => [a.a, a.b, a.both, percent(a.share), +a.kappa.toFixed(2)])));
  }
  if (p.problems.length) parts.push(make("ul", { className: "error" }, ...p.problems.map((t) => make("li", { textContent: t }))));
  const close = make("button", { type: "button", textContent: "Close" });
  close.addEventListener("click", () => by("statistics").close());
  by("statistics").replaceChildren(...parts, close);
  by("statistics").showModal();
}

const keys = {
  ArrowLeft: () => answer("left"), ArrowRight: () => answer("right"), ArrowDown: () => answer("tie"),
  c: () => answer("cannot-tell"), s: () => answer("skip"), u: () => act("undo", { name }),
  " ": () => { playing = !playing; paint(); },
  ",": () => seek(at - 1 / pieces.left.clip.fps), ".": () => seek(at + 1 / pieces.left.clip.fps),
  g: () => mark(pointer, 1), b: () => mark(pointer, -1),
  1: () => setStrength(1), 2: () => setStrength(2), 3: () => setStrength(3),
};
document.addEventListener("keydown", (e) => {
  if (!question?.place && e.key !== "u") return;
  if (e.repeat || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input:not([type=range]), select") || by("statistics").open || !name) return;
  if (!keys[e.key]) return;
  e.preventDefault();
  keys[e.key]();
});
for (const b of document.querySelectorAll("[data-answer]")) b.addEventListener("click", () => answer(b.dataset.answer));
for (const b of document.querySelectorAll("[data-strength]")) b.addEventListener("click", () => setStrength(+b.dataset.strength));
by("undo").addEventListener("click", () => act("undo", { name }));
by("play").addEventListener("click", () => { playing = !playing; paint(); });
by("scrub").addEventListener("input", () => seek(+by("scrub").value));
by("people").addEventListener("click", () => statistics().catch((e) => say(e.message, true)));
for (const s of sides) {
  by(s).addEventListener("pointerenter", () => { pointer = s; });
  by(s).querySelector(".marks").addEventListener("focus", () => { pointer = s; });
  by(s).querySelector(".marks").addEventListener("click", (e) => {
    const box = e.currentTarget.getBoundingClientRect();
    seek(((e.clientX - box.left) / box.width) * (pieces[s].clip.steps / pieces[s].clip.fps));
    mark(s, e.shiftKey ? -1 : 1);
  });
}
let away = 0; // since when the page is out of sight: that time is not the answer's
document.addEventListener("visibilitychange", () => {
  if (document.hidden) away = performance.now(); else hidden += performance.now() - away;
});
by("start").addEventListener("submit", (e) => {
  e.preventDefault();
  name = by("name").value.trim();
  if (!name) return;
  localStorage.setItem("name", name);
  by("start").hidden = true;
  document.activeElement.blur();
  next();
});
by("name").value = localStorage.getItem("name") || "";
requestAnimationFrame(tick);
