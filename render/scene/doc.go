// Package scene turns worlds into pictures and films, without a display.
//
// A world draws itself on an [env.Canvas]. [List] is a Canvas that keeps the shapes, in metres,
// so that one drawing serves every size and every screen. A [Painter] rasterises a list with a
// [Theme], which says what each role looks like. [Create] opens a file for frames to be added
// to: an animated GIF or PNG, or through ffmpeg an MP4 or WebM.
//
//	var list scene.List
//	list.Reset()
//	vec.(env.Drawer).Draw(&list, 0)
//	img := image.NewRGBA(image.Rect(0, 0, 480, 320))
//	var p scene.Painter
//	p.Paint(img, img.Rect, &list, scene.Light())
//
// Lists and painters reuse their buffers: after the first few frames drawing does not allocate.
package scene
