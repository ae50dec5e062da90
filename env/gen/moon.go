package gen

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Moon is a rugged ground with a level pad, that of the classic lunar lander when its pad is
// centred, takes a fifth of the width, and Roughness is 1.
type Moon struct {
	Width     float32 // of the world, in metres
	Peak      float32 // height that raw terrain stays below, in metres
	Base      float32 // raw height of the pad in metres, at most Peak
	PadX      float32 // centre of the pad, in metres from the left; the pad lies inside the world
	PadWidth  float32 // in metres
	Roughness float32 // 0: a plain as high as the pad; 1: raw heights uniform in 0..Peak
}

const (
	// MoonPoints is the number of points of a Moon.
	MoonPoints = 11
	// MoonPad is the index of the point at the left end of the pad; the point two further is
	// at its right end.
	MoonPad = MoonPoints/2 - 1
	// moonSmooth is the weight of each of three raw heights in a point's height. The classic
	// game rounded a third to this, so its terrain is a hundredth lower than it intended.
	moonSmooth = 0.33
)

// PadY returns the height of the pad in metres, which is a little less than Base.
func (m Moon) PadY() float32 { return 3 * moonSmooth * m.Base }

// Generate writes the MoonPoints points of the ground to dst. The points left of the pad, and
// those right of it, are equally far apart. It always draws MoonPoints+1 numbers from r.
func (m Moon) Generate(dst []geom.Vec, r *rng.Stream) {
	dst = dst[:MoonPoints]
	var raw [MoonPoints + 2]float32 // raw[i] is the left neighbour of point i, cyclically
	for i := range MoonPoints + 1 {
		h := m.Base + float32(m.Roughness*(float32(r.Float32()*m.Peak)-m.Base))
		if i >= MoonPad-1 && i <= MoonPad+3 {
			h = m.Base
		}
		raw[i+1] = h
	}
	raw[0] = raw[MoonPoints+1]
	half := float32(m.PadWidth / 2)
	left, right := m.PadX-half, m.PadX+half
	for i := range dst {
		d := &dst[i]
		switch {
		case i <= MoonPad:
			d.X = left * float32(i) / MoonPad
		case i < MoonPad+2:
			d.X = m.PadX
		default:
			d.X = right + float32(float32((m.Width-right)*float32(i-MoonPad-2))/(MoonPoints-3-MoonPad))
		}
		d.Y = moonSmooth * (raw[i] + raw[i+1] + raw[i+2])
	}
}
