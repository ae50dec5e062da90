//go:build viewer && linux && cgo

package main

// Ebitengine asks for a display while it is being loaded, before main runs, and panics without
// one. A constructor in C comes before that, and can end with a sentence instead.

/*
#cgo LDFLAGS: -lX11
#include <stdio.h>
#include <unistd.h>
#include <X11/Xlib.h>

__attribute__((constructor)) static void need_display(void) {
	Display *d = XOpenDisplay(NULL);
	if (d == NULL) {
		fprintf(stderr, "viewer: no display: start it in a desktop session, or under xvfb-run;"
			" pictures and films need none: terrarium record RUN -o film.gif\n");
		_exit(3);
	}
	XCloseDisplay(d);
}
*/
import "C"
