// Package web is the base of the program's pages in a browser: a server for this machine only,
// and what pages share (web/web.js, web/web.css).
//
//	s, err := web.Listen("127.0.0.1:0")
//	s.Files(pages)                                           // with an index.html
//	s.Handle("POST /answer", web.Call(func(r *http.Request, in Answer) (Progress, error) { ... }))
//	fmt.Println("open", s.URL())                             // http://127.0.0.1:41234/<token>/
//	err = s.Serve(ctx)
//
// A page calls it by web.js, which knows what requests need:
//
//	import { call, stream } from "./web/web.js";
//	const progress = await call("answer", { better: "left" });
//	stream("events", (event) => { ... });
//
// # Who may ask
//
// The server listens on the loopback address. Its address holds a random token as the first part
// of the path, so that other users of the machine, who can reach the port, can do nothing. Pages of
// other sites cannot use it through the browser: the Host has to be this one (DNS rebinding), the
// Origin, where there is one, its own, Sec-Fetch-Site not that of another site; and whatever is not
// GET needs an Origin and a second secret that only the server's own pages can read (CSRF). Pages
// load scripts and styles from the server alone (Content-Security-Policy), write text with
// textContent, and never hand their address on (Referrer-Policy).
package web
