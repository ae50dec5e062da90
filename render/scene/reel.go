package scene

import (
	"bytes"
	"compress/flate"
	_ "embed" // for the player
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/color"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// A Reel is a film of lists rather than pixels, for pages: sharp at any size, in the colours
// that the reader prefers, and a tenth of the size of an animated picture. The script of
// [Player] plays it.
//
// Its form, before raw DEFLATE (RFC 1951), is
//
//	+-----------+
//	| version   | u8, 1
//	| fps       | f32, little endian
//	| unit      | f32: metres of one unit of length
//	| frames    | uvarint
//	+-----------+  for each frame:
//	| caption   | uvarint length, bytes
//	| view      | 4 varints: change of lo x, lo y, hi x, hi y since the frame before
//	| shapes    | uvarint
//	+-----------+  for each shape:
//	| kind      | u8
//	| role      | u8
//	| size      | varint, in units
//	| spoke     | varint, in 1/256 radians
//	| text      | uvarint length, bytes; labels only
//	| points    | uvarint
//	| x, y      | 2 varints a point: change since the same point of the same shape in the frame
//	+-----------+ before, if it had as many; otherwise since the point before, from 0, 0
//
// What rests costs almost nothing in this form.
type Reel struct {
	fps    float64
	unit   float32
	frames int
	buf    []byte
	last   [2][]reelShape // of the frame before, and of this one
	view   [4]int32
}

type reelShape struct {
	kind Kind
	role env.Role
	pts  [][2]int32
}

// resolution is the number of units in the first view's diagonal.
const resolution = 8192

// NewReel returns an empty reel of fps frames a second.
func NewReel(fps float64) *Reel { return &Reel{fps: fps} }

// Add appends a frame with a line of text below it.
func (r *Reel) Add(l *List, caption string) {
	lo, hi := l.Bounds()
	if r.frames == 0 {
		r.unit = hi.Sub(lo).Len() / resolution
	}
	r.frames++
	r.text(caption)
	for i, v := range [4]float32{lo.X, lo.Y, hi.X, hi.Y} {
		q := r.quantise(v)
		r.varint(q - r.view[i])
		r.view[i] = q
	}
	before, now := r.last[0], r.last[1][:0]
	r.uvarint(l.Len())
	for i := range l.Len() {
		var old *reelShape
		if i < len(before) {
			old = &before[i]
		}
		now = append(now, r.shape(l.At(i), old))
	}
	r.last[0], r.last[1] = now, before
}

// shape appends a shape, old being its predecessor in the frame before.
func (r *Reel) shape(s Shape, old *reelShape) reelShape {
	r.buf = append(r.buf, uint8(s.Kind), uint8(s.Role))
	r.varint(r.quantise(s.Size))
	r.varint(int32(clampRound(float64(s.Spoke) * 256)))
	if s.Kind == Label {
		r.text(s.Text)
	}
	r.uvarint(len(s.Pts))
	if old != nil && (old.kind != s.Kind || old.role != s.Role || len(old.pts) != len(s.Pts)) {
		old = nil
	}
	out := reelShape{s.Kind, s.Role, make([][2]int32, len(s.Pts))}
	var from [2]int32
	for i, p := range s.Pts {
		if old != nil {
			from = old.pts[i]
		}
		q := [2]int32{r.quantise(p.X), r.quantise(p.Y)}
		r.varint(q[0] - from[0])
		r.varint(q[1] - from[1])
		out.pts[i], from = q, q
	}
	return out
}

func (r *Reel) quantise(v float32) int32 { return int32(clampRound(float64(v) / float64(r.unit))) }

// clampRound rounds to a whole number that leaves room for differences of two in an int32.
func clampRound(v float64) float64 { return math.Round(max(-1<<29, min(v, 1<<29))) }

func (r *Reel) varint(v int32) { r.buf = binary.AppendVarint(r.buf, int64(v)) }
func (r *Reel) uvarint(v int)  { r.buf = binary.AppendUvarint(r.buf, uint64(v)) }
func (r *Reel) text(s string) {
	r.uvarint(len(s))
	r.buf = append(r.buf, s...)
}

// Base64 returns the reel, compressed and fit for a page.
func (r *Reel) Base64() (string, error) {
	head := []byte{1}
	head = binary.LittleEndian.AppendUint32(head, math.Float32bits(float32(r.fps)))
	head = binary.LittleEndian.AppendUint32(head, math.Float32bits(r.unit))
	head = binary.AppendUvarint(head, uint64(r.frames))
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return "", err
	}
	for _, b := range [][]byte{head, r.buf} {
		if _, err := w.Write(b); err != nil {
			return "", err
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}

//go:embed player.js
var playerJS string

// Player returns a script for pages. It plays a reel in each element that has the class "reel"
// and the reel as its attribute data-reel, in the light or the dark theme as the reader prefers.
func Player() (string, error) {
	themes, err := json.Marshal(map[string]any{"light": Light().web(), "dark": Dark().web()})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("(() => {\n\"use strict\";\nconst THEMES = %s;\n%s})();\n", themes, playerJS), nil
}

// web returns what the player needs to know of a theme.
func (t *Theme) web() any {
	type style struct {
		Fill  string `json:"fill"`
		Edge  string `json:"edge"`
		Line  string `json:"line"`
		Merge bool   `json:"merge"`
		Spoke bool   `json:"spoke"`
	}
	var roles []style
	for _, s := range t.Roles {
		roles = append(roles, style{webColour(s.Fill), webColour(s.Edge), webColour(s.Line), s.Merge, s.Spoke})
	}
	return map[string]any{
		"top": webColour(t.Top), "bottom": webColour(t.Bottom), "edge": t.Edge, "roles": roles,
	}
}

func webColour(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x%02x", c.R, c.G, c.B, c.A) }

// Ratio returns width divided by height of a list's view, for pages to reserve its place.
func Ratio(l *List) float32 {
	lo, hi := l.Bounds()
	return geom.Clamp((hi.X-lo.X)/(hi.Y-lo.Y), 0.25, 4)
}
