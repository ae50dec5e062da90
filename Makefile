# make demo   build, train the lunar lander, write a report
# make test   everything CI checks
# make bench  the speed table of the README
# make gpu    the same program with Vulkan, for --engine vulkan (needs a C compiler)
# make viewer the viewer, bin/viewer (needs a C compiler and libraries of the display; it says which)
# make wasm   the viewer for browsers, which terrarium serve offers
# make shaders  compile the compute kernels again (needs glslc and spirv-val)
# make help   all targets

GO ?= go
BIN := bin/terrarium

# SIMD kernels need Go 1.26 or newer on amd64; elsewhere the portable ones are built.
ifeq ($(shell $(GO) env GOARCH 2>/dev/null)-$(shell $(GO) version 2>/dev/null | grep -cE 'go1\.(2[6-9]|[3-9][0-9])'),amd64-1)
export GOEXPERIMENT := simd
endif

# What building the viewer takes on Debian and Ubuntu.
DISPLAY_PACKAGES := gcc pkg-config libgl1-mesa-dev libxcursor-dev libxi-dev libxinerama-dev libxrandr-dev libxxf86vm-dev libasound2-dev

.DEFAULT_GOAL := help
.PHONY: help need-go build gpu viewer wasm demo test machine check race portable kernels shaders bench clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

need-go:
	@command -v $(GO) >/dev/null || { \
	  echo "Go is missing. Terrarium needs Go 1.26 or newer and nothing else:"; \
	  echo "  download it from https://go.dev/dl/, or on Debian and Ubuntu: sudo apt-get install golang-go"; \
	  echo "  (an older Go from 1.21 on fetches the version it needs by itself)"; exit 3; }

# The tag leaves out formats of plots that the program does not write.
build: need-go
	@CGO_ENABLED=0 $(GO) build -tags minimal -trimpath -ldflags="-s -w" -o $(BIN) ./experiments/terrarium

gpu: need-go
	@CGO_ENABLED=1 $(GO) build -tags minimal -trimpath -ldflags="-s -w" -o $(BIN) ./experiments/terrarium

viewer: need-go
	@pkg-config --exists gl xcursor xi xinerama xrandr xxf86vm alsa 2>/dev/null || [ "$$(uname)" != Linux ] || { \
	  echo "The viewer needs libraries of the display to be built; on Debian and Ubuntu:"; \
	  echo "  sudo apt-get install $(DISPLAY_PACKAGES)"; exit 3; }
	@CGO_ENABLED=1 $(GO) build -tags viewer,minimal -trimpath -ldflags="-s -w" -o bin/viewer ./render/viewer

wasm: need-go
	@mkdir -p bin/web
	@GOOS=js GOARCH=wasm GOEXPERIMENT=nosimd $(GO) build -tags viewer -trimpath -ldflags="-s -w" -o bin/web/viewer.wasm ./render/viewer
	@cp render/viewer/web/* "$$($(GO) env GOROOT)/lib/wasm/wasm_exec.js" bin/web

demo: build
	@./$(BIN) run lander --seeds 1 --out runs/demo --replace
	@./$(BIN) record runs/demo -o runs/demo/best.gif
	@echo "Open runs/demo/report.html (curves, a film, how to reproduce) or runs/demo/best.gif."

# Windows want the machine for themselves, so the viewer's tests come last; what fails because a busy
# machine lost a key is tried once more.
test: need-go machine check portable race kernels
	@$(GO) test -timeout 20m $$($(GO) list ./... | grep -v '/render/viewer$$')
	@$(GO) test ./render/viewer || $(GO) test ./render/viewer

# In continuous integration on Debian or Ubuntu, install what the optional tests need, and make
# those tests required. Elsewhere they are left out, saying so, where something is missing.
PACKAGES := gcc libc6-dev libvulkan1 mesa-vulkan-drivers vulkan-validationlayers glslc spirv-tools $(DISPLAY_PACKAGES) libgl1-mesa-dri xvfb xauth xdotool chromium ffmpeg python3
ifeq ($(CI),true)
export REQUIRE_VULKAN := 1
export REQUIRE_DISPLAY := 1
export REQUIRE_CHROMIUM := 1
machine:
	@dpkg -s $(PACKAGES) >/dev/null 2>&1 || { apt-get update -q && apt-get install -y -q $(PACKAGES); } >/dev/null
else
machine:
endif

# The committed kernels are those that the pinned compiler makes of their sources.
kernels:
	@if glslc --version 2>/dev/null | head -1 | grep -q 'shaderc 2023.2' && command -v spirv-val >/dev/null; then \
	  $(GO) run ./shaders/build -check; \
	else echo "kernels not compiled again: needs glslc 2023.2 and spirv-val (on Debian 12: apt-get install glslc spirv-tools)"; fi

shaders:
	@$(GO) run ./shaders/build

check:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	@$(GO) vet ./...

# The same tests of the numerical core without SIMD and without C.
portable:
	@GOEXPERIMENT=nosimd CGO_ENABLED=0 $(GO) vet ./experiments/terrarium ./agents/... ./env/...
	@GOEXPERIMENT=nosimd CGO_ENABLED=0 $(GO) build -o /dev/null ./experiments/terrarium
	@GOEXPERIMENT=nosimd CGO_ENABLED=0 REQUIRE_VULKAN= $(GO) test ./agents/nn/... ./env/physics

# The race detector needs a C compiler. Tests whose point is a number, as how well PPO learns, say nothing
# more with it, and take ten times as long.
NUMBERS := TestCartPole|TestBonusIsLearnedApart|TestAnchor|TestGradient|TestEntropyBonus|TestSchedules|TestConformance/./(Learns|NoAllocs|Seeds)
race:
	@if command -v gcc >/dev/null || command -v clang >/dev/null; then \
	  CGO_ENABLED=1 $(GO) test -race -short ./env ./env/envtest ./agents/nn && \
	  CGO_ENABLED=1 $(GO) test -race -short -skip '$(NUMBERS)' ./agents/ppo && \
	  CGO_ENABLED=1 $(GO) test -race -short -run 'TestGoroutines|TestTasks' ./env/physics/box2d && \
	  CGO_ENABLED=1 $(GO) test -race -short -run 'TestWorkers/(curling|maze)' ./env/vulkan; \
	else echo "race tests left out: no C compiler (on Debian and Ubuntu: sudo apt-get install gcc libc6-dev)"; fi

bench: build
	@./$(BIN) bench

clean:
	@rm -rf bin
