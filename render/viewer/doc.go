// The viewer opens a window on agents and worlds: recorded episodes forwards and backwards, up to
// 64 side by side, policies that play new ones, runs while they train, and levels.
//
//	go run -tags viewer ./render/viewer runs/lander                  # recorded episodes
//	go run -tags viewer ./render/viewer -live runs/lander            # a run that goes on
//	go run -tags viewer ./render/viewer -play -worlds 64 runs/lander # its policy, new episodes
//	go run -tags viewer ./render/viewer lander-v0                    # an environment
//	go run -tags viewer ./render/viewer -agent scripted -agent runs/lander lander-v0
//
// Press h for its keys. From any moment the user (b) or another policy (v) can play on; the
// futures are ghosts of each other (u), or stand side by side (y). What is played by hand is saved
// as an episode, a demonstration. Pairs of episodes can be compared (w); the answers are a
// feedback.Log. Levels are changed with sliders (l) and played at once. Quality-diversity runs
// show a map of what they found; a click plays it.
//
// The viewer is a program of its own, and behind a build tag, because a display library needs C
// libraries to build and a display to start; on Debian and Ubuntu
//
//	apt-get install gcc pkg-config libgl1-mesa-dev libxcursor-dev libxi-dev \
//		libxinerama-dev libxrandr-dev libxxf86vm-dev libasound2-dev
//
// Everything but the window itself is in packages that need neither: playback is what the viewer
// shows and how that changes, mesh turns it into triangles, source finds what is asked for.
//
// In a browser it plays recorded episodes, and new ones of scripted and random agents:
//
//	GOOS=js GOARCH=wasm go build -tags viewer -ldflags="-s -w" -o www/viewer.wasm ./render/viewer
//	cp render/viewer/page.html "$(go env GOROOT)/lib/wasm/wasm_exec.js" runs/*/seed-1/replays/* www
//
// Serve the folder www, and open page.html?replay=eval-00000.replay or page.html?env=lander-v0.
//
// Two tests with real windows are left out unless asked for: TERRARIUM_WINDOW_TEST=1 drives the
// viewer under Xvfb with xdotool, TERRARIUM_BROWSER_TEST=1 opens it in headless Chromium.
package main
