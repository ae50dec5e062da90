package physics

import "unsafe"

// Prefetch brings near what the next step of w will read, as far as that is little and known in
// advance. It implements env.Prefetcher.
func (w *World) Prefetch() {
	prefetch(unsafe.Pointer(w), sizeof[World]())
	if len(w.mem) == 0 {
		return
	}
	l := &w.m.layout
	head := sizeof[header]() + l.bodies*sizeof[body]() + l.shapes*sizeof[shape]() + l.verts*sizeof[vert]() + l.joints*sizeof[joint]()
	prefetch(unsafe.Pointer(w.head), min(head, farthest))
	if n := l.grounds*sizeof[ground]() + l.gverts*sizeof[gvert](); n > 0 {
		prefetch(unsafe.Pointer(&w.grounds[0]), min(n, farthest/4))
	}
	if len(w.contacts) > 0 {
		prefetch(unsafe.Pointer(&w.contacts[0]), min(len(w.contacts), 12)*sizeof[contact]())
	}
	if len(w.m.movers) < len(w.m.shapes) { // others' boxes are not made again
		prefetch(unsafe.Pointer(&w.boxes[0]), min(l.shapes*sizeof[aabb](), farthest/2))
	}
}

// farthest is the most that Prefetch fetches of a part of a world, in bytes.
const farthest = 2048
