// Package cppbox2d steps chains of capsules on C++ Box2D 2.4, which env/physics is compared with
// by terrarium bench physics. It is built with the tag box2dcpp only, and needs a C++ compiler and
// the library; on Debian and Ubuntu:
//
//	sudo apt-get install g++ libbox2d-dev
//	GOEXPERIMENT=simd go run -tags box2dcpp ./experiments/terrarium bench physics
package cppbox2d
