// The viewer opens a window on agents and worlds: recorded episodes forwards and backwards, up to
// 64 side by side, policies that play new ones, runs while they train, and levels.
//
//	go run -tags viewer ./render/viewer runs/lander                  # recorded episodes
//	go run -tags viewer ./render/viewer -live runs/lander            # a run that goes on
//	go run -tags viewer ./render/viewer -play -worlds 64 runs/lander # its policy, new episodes
//	go run -tags viewer ./render/viewer lander-v0                    # an environment
//	go run -tags viewer ./render/viewer -agent scripted -agent runs/lander lander-v0
//	go run -tags viewer ./render/viewer room.json                    # the level editor
//
// Press h for its keys. From any moment the user (b) or another policy (v) can play on; the
// futures are ghosts of each other (u), or stand side by side (y). What is played by hand is saved
// as an episode, a demonstration. Pairs of episodes can be compared (w); the answers are a
// feedback.Log. Levels are changed with sliders (l) and played at once. Quality-diversity runs
// show a map of what they found; a click plays it. Runs whose environment tells places in metres, such as
// maze-v0, pusher-v0 and sandbox-v0, show where training was and what
// bonus it got there (5).
//
// The levels of sandbox-v0 are drawn (l, or a JSON file as source): bodies, joints, motors,
// thrusters, rays, goal regions, and the rules that win and lose, with undo, and with what keeps a
// room from being played said at once. Enter plays it by hand, p lets a policy play, l comes back.
// See env/tasks/sandbox for what a room is; terrarium run room.json trains in it.
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
//	make wasm                                            # 22 MB, 5.3 MB compressed, in bin/web
//	bin/terrarium serve runs                             # offers it beside each episode
//	bin/terrarium report runs/lander --viewer bin/web    # a page that holds it, and needs no server
//
// A server of one's own may open index.html?replay=eval-00000.replay or index.html?env=lander-v0.
//
// Tests drive real windows under Xvfb with xdotool, and pages in headless Chromium. Where something
// that they need is missing they are left out, saying so; REQUIRE_DISPLAY=1 and REQUIRE_CHROMIUM=1
// make that a failure.
package main
