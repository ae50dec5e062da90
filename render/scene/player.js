// Plays reels; see reel.go for their form.

const KIND = { polygon: 0, circle: 1, line: 2, label: 3 };

async function decode(base64) {
  const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const data = new DataView(await new Response(stream).arrayBuffer());
  let at = 0;
  const byte = () => data.getUint8(at++);
  const float = () => { at += 4; return data.getFloat32(at - 4, true); };
  const uvarint = () => {
    let v = 0, scale = 1, b;
    do { b = byte(); v += (b & 127) * scale; scale *= 128; } while (b > 127);
    return v;
  };
  const varint = () => { const u = uvarint(); return u % 2 ? -(u + 1) / 2 : u / 2; };
  const utf8 = new TextDecoder();
  const text = () => { const n = uvarint(); at += n; return utf8.decode(new Uint8Array(data.buffer, at - n, n)); };

  if (byte() !== 1) throw new Error("a reel of another version");
  const reel = { fps: float(), unit: float(), frames: [] };
  const view = [0, 0, 0, 0];
  let before = [];
  for (let left = uvarint(); left > 0; left--) {
    const frame = { caption: text(), shapes: [] };
    for (let i = 0; i < 4; i++) view[i] += varint();
    frame.view = view.slice();
    for (let n = uvarint(), i = 0; i < n; i++) {
      const s = { kind: byte(), role: byte(), size: varint(), spoke: varint() / 256 };
      if (s.kind === KIND.label) s.text = text();
      s.pts = new Int32Array(2 * uvarint());
      const old = before[i];
      const same = old && old.kind === s.kind && old.role === s.role && old.pts.length === s.pts.length;
      for (let k = 0; k < s.pts.length; k++) {
        const from = same ? old.pts[k] : k > 1 ? s.pts[k - 2] : 0;
        s.pts[k] = from + varint();
      }
      frame.shapes.push(s);
    }
    before = frame.shapes;
    reel.frames.push(frame);
  }
  return reel;
}

function draw(canvas, frame, theme) {
  const c = canvas.getContext("2d"), w = canvas.width, h = canvas.height;
  const [x0, y0, x1, y1] = frame.view;
  const scale = Math.min(w / (x1 - x0), h / (y1 - y0));
  const left = (w - scale * (x1 - x0)) / 2;
  const X = (x) => left + scale * (x - x0), Y = (y) => h - scale * (y - y0);
  const sky = c.createLinearGradient(0, 0, 0, h);
  sky.addColorStop(0, theme.top);
  sky.addColorStop(1, theme.bottom);
  c.fillStyle = sky;
  c.fillRect(0, 0, w, h);
  c.lineJoin = c.lineCap = "round";
  const ratio = devicePixelRatio || 1;
  const edge = ratio * Math.min(2.5, Math.max(0.75, theme.edge * Math.min(w, h) / ratio));

  const trace = (path, s) => {
    if (s.kind === KIND.circle) {
      const r = Math.max(0, s.size * scale);
      path.moveTo(X(s.pts[0]) + r, Y(s.pts[1]));
      path.arc(X(s.pts[0]), Y(s.pts[1]), r, 0, 2 * Math.PI);
      return;
    }
    path.moveTo(X(s.pts[0]), Y(s.pts[1]));
    for (let i = 2; i < s.pts.length; i += 2) path.lineTo(X(s.pts[i]), Y(s.pts[i + 1]));
    if (s.kind === KIND.polygon) path.closePath();
  };
  const stroke = (path, width, colour) => {
    c.lineWidth = width;
    c.strokeStyle = colour;
    c.stroke(path);
  };
  const line = (s, style) => {
    const path = new Path2D(), width = s.size * scale;
    trace(path, s);
    if (width <= 4 * edge) return stroke(path, Math.max(edge, width), style.line);
    stroke(path, width, style.edge);
    stroke(path, width - 2 * edge, style.fill);
  };

  for (let i = 0; i < frame.shapes.length; i++) {
    const s = frame.shapes[i], style = theme.roles[s.role];
    if (s.kind === KIND.label) {
      c.font = `${Math.min(24, Math.max(8, Math.min(w, h) / 24))}px system-ui, sans-serif`;
      c.textAlign = "center";
      c.fillStyle = style.fill;
      c.fillText(s.text, X(s.pts[0]), Y(s.pts[1]));
    } else if (s.kind === KIND.line) {
      line(s, style);
    } else if (style.merge) { // neighbours become one shape
      const path = new Path2D();
      for (; i < frame.shapes.length; i++) {
        const t = frame.shapes[i];
        if (t.role !== s.role || t.kind > KIND.circle) break;
        trace(path, t);
      }
      i--;
      stroke(path, 2 * edge, style.edge);
      c.fillStyle = style.fill;
      c.fill(path);
    } else {
      const path = new Path2D();
      trace(path, s);
      c.fillStyle = style.fill;
      c.fill(path);
      if (s.kind === KIND.circle && style.spoke && s.size * scale > 2 * edge) {
        const r = s.size * scale, x = X(s.pts[0]), y = Y(s.pts[1]);
        path.moveTo(x, y);
        path.lineTo(x + r * Math.cos(s.spoke), y - r * Math.sin(s.spoke));
      }
      stroke(path, edge, style.edge);
    }
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const HOLD = 1; // seconds that the last frame stays

async function mount(element) {
  const reel = await decode(element.dataset.reel);
  const last = reel.frames.length - 1;
  const make = (tag, props) => Object.assign(document.createElement(tag), props);
  const canvas = make("canvas", { tabIndex: -1 });
  const button = make("button", { type: "button" });
  const slider = make("input", { type: "range", min: 0, max: last, value: 0 });
  const caption = make("span", { className: "caption" });
  const bar = make("div", { className: "controls" });
  slider.setAttribute("aria-label", "moment of the episode");
  bar.append(button, slider);
  element.replaceChildren(canvas, bar, caption);

  let frame = 0, playing = false, wanted = !still.matches, seen = false, started = 0;
  const show = () => {
    const size = canvas.getBoundingClientRect(), ratio = devicePixelRatio || 1;
    const w = Math.max(1, Math.round(size.width * ratio)), h = Math.max(1, Math.round(size.height * ratio));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    draw(canvas, reel.frames[frame], dark.matches ? THEMES.dark : THEMES.light);
    caption.textContent = reel.frames[frame].caption;
    slider.value = frame;
  };
  const tick = (now) => {
    if (!playing) return;
    const at = Math.floor((now - started) / 1000 * reel.fps);
    if (at > last + HOLD * reel.fps) started = now;
    const next = Math.max(0, Math.min(at, last));
    if (next !== frame) { frame = next; show(); }
    requestAnimationFrame(tick);
  };
  const update = () => {
    const play = wanted && seen;
    button.textContent = wanted ? "\u275a\u275a" : "\u25b6";
    button.setAttribute("aria-label", wanted ? "pause" : "play");
    if (play && !playing) {
      if (frame === last) frame = 0;
      started = performance.now() - frame / reel.fps * 1000;
      playing = true;
      requestAnimationFrame(tick);
    }
    playing = play;
  };
  const toggle = () => { wanted = !wanted; update(); };
  button.addEventListener("click", toggle);
  canvas.addEventListener("click", toggle);
  slider.addEventListener("input", () => { wanted = false; frame = +slider.value; update(); show(); });
  dark.addEventListener("change", show);
  new ResizeObserver(show).observe(canvas);
  new IntersectionObserver((entries) => { seen = entries[entries.length - 1].isIntersecting; update(); }).observe(canvas);
  update();
  show();
}

for (const element of document.querySelectorAll(".reel")) {
  mount(element).catch((err) => { element.append(" This browser cannot play the film: " + err.message); });
}

// For pages that show reels in their own way.
globalThis.terrariumReel = { decode, draw, mount, theme: () => (dark.matches ? THEMES.dark : THEMES.light) };
