package scene

import (
	"errors"
	"image"
	"image/color"
)

// frames turns pictures into paletted ones that hold only what changed. Both animated formats
// are made of them.
type frames struct {
	palette color.Palette // the theme's, and last the transparent one
	nearest []uint8       // palette index + 1 by 6 bits a channel, 0 where not yet known
	last    []uint8       // palette indices of the whole picture so far
	next    []uint8       // of the one being added
	size    image.Point
	list    []frame
}

// A frame is shown over the frames before it.
type frame struct {
	img   *image.Paletted
	shown int // how many frame times
}

func newFrames(t *Theme) frames {
	p := append(t.Palette(), color.NRGBA{})
	return frames{palette: p, nearest: make([]uint8, 1<<18)}
}

func (f *frames) transparent() uint8 { return uint8(len(f.palette) - 1) }

var errFrameSize = errors.New("the frames of a film must have the same size, and not none")

// Add appends a frame. It does not retain img.
func (f *frames) Add(img *image.RGBA) error {
	size := img.Rect.Size()
	first := len(f.list) == 0
	if size.X*size.Y == 0 || !first && size != f.size {
		return errFrameSize
	}
	if first {
		f.size = size
		f.last, f.next = make([]uint8, size.X*size.Y), make([]uint8, size.X*size.Y)
	}
	changed := f.quantise(img)
	if first {
		changed = image.Rectangle{Max: size}
	}
	if changed.Empty() {
		f.list[len(f.list)-1].shown++
		return nil
	}
	out := image.NewPaletted(changed, f.palette)
	for y := changed.Min.Y; y < changed.Max.Y; y++ {
		from, to := y*size.X+changed.Min.X, y*size.X+changed.Max.X
		dst, last, next := out.Pix[out.PixOffset(changed.Min.X, y):], f.last[from:to], f.next[from:to]
		for x, i := range next {
			if i == last[x] && !first {
				i = f.transparent()
			}
			dst[x] = i
		}
	}
	f.last, f.next = f.next, f.last
	f.list = append(f.list, frame{out, 1})
	return nil
}

// quantise fills f.next from img and returns the rectangle in which it differs from f.last.
func (f *frames) quantise(img *image.RGBA) (changed image.Rectangle) {
	w := f.size.X
	changed = image.Rectangle{Min: f.size}
	for y := range f.size.Y {
		row := img.Pix[y*img.Stride : y*img.Stride+4*w]
		for x := range w {
			i := f.index(row[4*x], row[4*x+1], row[4*x+2])
			f.next[y*w+x] = i
			if i != f.last[y*w+x] {
				changed.Min.X, changed.Max.X = min(changed.Min.X, x), max(changed.Max.X, x+1)
				changed.Min.Y, changed.Max.Y = min(changed.Min.Y, y), y+1
			}
		}
	}
	return changed
}

// index returns the palette colour nearest to r, g, b, of which it considers 6 bits each, so
// that the choice does not depend on earlier ones.
func (f *frames) index(r, g, b uint8) uint8 {
	key := int(r>>2)<<12 | int(g>>2)<<6 | int(b>>2)
	if i := f.nearest[key]; i != 0 {
		return i - 1
	}
	r, g, b = r&^3|2, g&^3|2, b&^3|2
	best, bestAt := 1<<30, 0
	for i, c := range f.palette[:f.transparent()] {
		p := c.(color.NRGBA)
		dr, dg, db := int(p.R)-int(r), int(p.G)-int(g), int(p.B)-int(b)
		if d := 3*dr*dr + 6*dg*dg + db*db; d < best { // the eye's weights, about
			best, bestAt = d, i
		}
	}
	f.nearest[key] = uint8(bestAt) + 1
	return uint8(bestAt)
}
