"use strict";
const go = new Go();
WebAssembly.instantiateStreaming(fetch("viewer.wasm"), go.importObject)
  .then((r) => {
    document.getElementById("wait").remove();
    return go.run(r.instance);
  })
  .catch((e) => { document.body.textContent = "The viewer cannot start: " + e; });
