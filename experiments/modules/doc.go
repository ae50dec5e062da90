// Package modules compiles programs that have rewards, tasks, agents and bonuses of other Go
// modules in them.
//
// By hand, such a program is a main of ten lines, in a module of one's own:
//
//	package main
//
//	import (
//		"github.com/terrarium-rl/terrarium/experiments/lab"
//		_ "github.com/terrarium-rl/terrarium/experiments/standard"
//
//		_ "example.com/me/reward" // registers itself in init
//	)
//
//	func main() { lab.Main() }
//
// A [Builder] writes that main and its go.mod into a folder and calls the go command there;
// [Cached] keeps what it built, for experiments that name the modules they need. Nothing is
// loaded at run time: a program is one file that runs on its own, and knows the version of each
// module in it.
//
// # Settings of the go command
//
// The go command finds modules as it always does, and its settings hold:
//
//   - GOPRIVATE=example.com/me/* for modules that the public proxy and checksum database must not
//     be asked about; git has to reach their host.
//   - GOPROXY=off to build offline, from what was downloaded before; modules in folders
//     (PATH=DIR) need no download at all.
//   - GOOS and GOARCH for a program that runs elsewhere.
//   - GOEXPERIMENT; where it is not set, programs for amd64 get simd, as Terrarium itself does.
//   - CGO_ENABLED; where it is not set, programs are built without C.
//   - GOFLAGS, such as -tags; but -mod=vendor has no effect, as the folder is new each time. To
//     build from vendored source, keep the folder (Builder.Source), go mod vendor in it, and
//     build there with CGO_ENABLED=0: vendoring leaves out the C headers of the Vulkan binding.
//
// # Compatibility
//
// What the packages env, env/geom, env/rng, env/registry, env/envtest, rewards, rewards/shaping,
// rewards/rewardtest, agents, agents/agenttest, explore, explore/exploretest, qd and qd/qdtest
// export, and lab.Main, is what modules of others build on:
//
//   - From version 1 on, a module that compiles with one version compiles with every later one of
//     the same major version. Interfaces get no new methods; new abilities are further interfaces,
//     found by assertion. Structs may get fields: name those that you set.
//   - Before version 1, what breaks modules stands in CHANGELOG.md as [CHANGE], with what to do.
//   - Names in files (environments, rewards, options, facts, exit codes, columns of metrics) change
//     no more than that. An environment that behaves otherwise gets a new version in its name.
//   - Numbers may change: a run repeats with the program that began it, see verify and resume.
//     A reward's module stays what its version says.
//   - Conformance suites may become stricter: what then fails broke the contract before.
//
// A test holds the packages to it by the rules of golang.org/x/exp/apidiff. It fails until a
// change that breaks modules is listed in CHANGELOG.md.
package modules
