// Starts the viewer in a frame of its own, which takes the recordings from the page around it.
const place = document.getElementById("viewer");
async function startViewer() {
  const packed = Uint8Array.from(atob(viewer.wasm), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  globalThis.terrariumViewer = { wasm: await new Response(stream).arrayBuffer(), replays: viewer.replays };
  const frame = document.createElement("iframe");
  const start = `globalThis.terrariumReplays = parent.terrariumViewer.replays;
    const go = new Go();
    WebAssembly.instantiate(parent.terrariumViewer.wasm, go.importObject).then((r) => go.run(r.instance))
      .catch((e) => { document.body.textContent = "The viewer cannot start: " + e; });`;
  frame.srcdoc = `<!DOCTYPE html><body style="margin:0"><script>${viewer.exec}</` + `script><script>${start}</` + "script></body>";
  frame.title = "viewer";
  place.replaceChildren(frame);
  frame.addEventListener("load", () => frame.contentWindow.focus());
}
place.querySelector("button").addEventListener("click", startViewer);
if (location.hash === "#viewer") startViewer();
