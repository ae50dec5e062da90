// The viewer opens recorded episodes in a window and plays them forwards and backwards, up to
// 64 side by side.
//
//	go run -tags viewer ./render/viewer runs/lander
//
// Press h for its keys. It is a program of its own, and behind a build tag, because a display
// library needs C libraries to build and a display to start; on Debian and Ubuntu
//
//	apt-get install gcc pkg-config libgl1-mesa-dev libxcursor-dev libxi-dev \
//		libxinerama-dev libxrandr-dev libxxf86vm-dev libasound2-dev
//
// Everything but the window itself is in package playback, which needs neither.
package main
