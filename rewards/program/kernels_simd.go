//go:build goexperiment.simd && amd64

package program

import (
	"math"
	"simd/archsimd"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// The portable kernels in eight lanes, for operations that take long otherwise: the functions of
// package geom with every operation in its place and none fused, so that the bits are the same.
// Branches become choices between both results.
func init() {
	if !archsimd.X86.AVX2() {
		return
	}
	for o, f := range map[op]func(lanes) lanes{
		opExp: expVec, opLog: logVec, opTanh: tanhVec, opSin: sinVec, opCos: cosVec,
		opSqrt: lanes.Sqrt, opFloor: floorVec, opNeg: negate, opAbs: absVec,
		opNot: func(x lanes) lanes { return splat(1).Sub(x) },
	} {
		kernels[o] = eachVec(f, portable[o])
	}
	least := func(x, y lanes) lanes { return x.Merge(y, x.Less(y)) }
	most := func(x, y lanes) lanes { return x.Merge(y, x.Greater(y)) }
	for o, f := range map[op]func(x, y lanes) lanes{
		opAtan2: atan2Vec, opAdd: lanes.Add, opSub: lanes.Sub, opMul: lanes.Mul, opAnd: lanes.Mul, opDiv: lanes.Div,
		opMin: least, opMax: most, opOr: most,
		opLess:  func(x, y lanes) lanes { return splat(1).Masked(x.Less(y)) },
		opEqual: func(x, y lanes) lanes { return splat(1).Masked(x.Equal(y)) },
	} {
		kernels[o] = each2Vec(f, portable[o])
	}
}

type (
	lanes = archsimd.Float32x8
	bits  = archsimd.Int32x8
)

func splat(x float32) lanes            { return archsimd.BroadcastFloat32x8(x) }
func splatBits(x int32) bits           { return archsimd.BroadcastInt32x8(x) }
func absVec(x lanes) lanes             { return x.AsInt32x8().And(splatBits(0x7fffffff)).AsFloat32x8() }
func negate(x lanes) lanes             { return x.AsInt32x8().Xor(splatBits(-1 << 31)).AsFloat32x8() }
func poly(p, x lanes, c float32) lanes { return p.Mul(x).Add(splat(c)) }

// eachVec leaves what is over to the portable kernel.
func eachVec(f func(lanes) lanes, rest kernel) kernel {
	return func(d, a, _, _ []float32) {
		a = a[:len(d)]
		for len(d) >= 8 {
			f(archsimd.LoadFloat32x8Slice(a)).StoreSlice(d)
			d, a = d[8:], a[8:]
		}
		rest(d, a, nil, nil)
	}
}

func each2Vec(f func(x, y lanes) lanes, rest kernel) kernel {
	return func(d, a, b, _ []float32) {
		a, b = a[:len(d)], b[:len(d)]
		for len(d) >= 8 {
			f(archsimd.LoadFloat32x8Slice(a), archsimd.LoadFloat32x8Slice(b)).StoreSlice(d)
			d, a, b = d[8:], a[8:], b[8:]
		}
		rest(d, a, b, nil)
	}
}

// floorVec is geom.Floor: large numbers and NaN stay, and the sign of zero is lost.
func floorVec(x lanes) lanes {
	var zero lanes
	return x.Floor().Add(zero).Merge(x, absVec(x).Less(splat(1<<23)))
}

func expVec(whole lanes) lanes {
	x := whole.Min(splat(89)).Max(splat(-88)) // beyond, what follows would be slow subnormal numbers
	k := floorVec(x.Mul(splat(1.44269502162933350)).Add(splat(0.5)))
	r := x.Sub(k.Mul(splat(0.693359375)))
	r = r.Add(k.Mul(splat(2.12194440e-4)))
	p := poly(splat(1.9875691500e-4), r, 1.3981999507e-3)
	p = poly(p, r, 8.3334519073e-3)
	p = poly(p, r, 4.1665795894e-2)
	p = poly(p, r, 1.6666665459e-1)
	p = poly(p, r, 5.0000001201e-1)
	p = p.Mul(r).Mul(r).Add(r).Add(splat(1))
	n := k.ConvertToInt32()
	half := n.ShiftAllRight(1)
	p = p.Mul(pow2Vec(half)).Mul(pow2Vec(n.Sub(half)))
	var zero lanes
	p = zero.Merge(p, whole.Less(splat(-87)))
	p = splat(float32(math.Inf(1))).Merge(p, whole.Greater(splat(88.72)))
	return whole.Merge(p, whole.IsNaN())
}

func pow2Vec(n bits) lanes { return n.Add(splatBits(127)).ShiftAllLeft(23).AsFloat32x8() }

func logVec(x lanes) lanes {
	b := x.AsInt32x8()
	e := b.ShiftAllRight(23).Sub(splatBits(126)).ConvertToFloat32()
	m := b.And(splatBits(0x007fffff)).Or(splatBits(0x3f000000)).AsFloat32x8()
	small := m.Less(splat(0.70710678))
	e = e.Sub(splat(1)).Merge(e, small)
	m = m.Add(m).Merge(m, small).Sub(splat(1))
	z := m.Mul(m)
	p := poly(splat(7.0376836292e-2), m, -1.1514610310e-1)
	p = poly(p, m, 1.1676998740e-1)
	p = poly(p, m, -1.2420140846e-1)
	p = poly(p, m, 1.4249322787e-1)
	p = poly(p, m, -1.6668057665e-1)
	p = poly(p, m, 2.0000714765e-1)
	p = poly(p, m, -2.4999993993e-1)
	p = poly(p, m, 3.3333331174e-1)
	y := p.Mul(m).Mul(z)
	y = y.Add(e.Mul(splat(-2.12194440e-4)))
	y = y.Sub(splat(0.5).Mul(z))
	y = m.Add(y).Add(e.Mul(splat(0.693359375)))
	// Whatever is no positive, normal, finite number is rare.
	rare := x.Less(splat(1.1754944e-38)).ToInt32x8().Or(x.Sub(x).NotEqual(x.Sub(x)).ToInt32x8())
	if !rare.IsZero() {
		var in, out [8]float32
		x.Store(&in)
		for i, v := range in {
			out[i] = geom.Log(v)
		}
		return archsimd.LoadFloat32x8(&out)
	}
	return y
}

func tanhVec(x lanes) lanes {
	a, z := absVec(x), x.Mul(x)
	p := poly(splat(-5.70498872745e-3), z, 2.06390887954e-2)
	p = poly(p, z, -5.37397155531e-2)
	p = poly(p, z, 1.33314422036e-1)
	p = poly(p, z, -3.33332819422e-1)
	near := p.Mul(z).Mul(x).Add(x)
	one := splat(1)
	far := one.Sub(splat(2).Div(expVec(a.Add(a)).Add(one)))
	far = one.Merge(far, a.GreaterEqual(splat(9)))
	var zero lanes
	far = negate(far).Merge(far, x.Less(zero))
	return near.Merge(far, a.Less(splat(0.625)))
}

// sincos also returns the quadrant.
func sincos(x lanes) (s, c lanes, n bits) {
	k := floorVec(x.Mul(splat(twoOverPi)).Add(splat(0.5)))
	r := x.Sub(k.Mul(splat(1.5703125)))
	r = r.Sub(k.Mul(splat(4.837512969970703125e-4)))
	r = r.Sub(k.Mul(splat(7.54978995489188216e-8)))
	z := r.Mul(r)
	s = poly(splat(-1.9515295891e-4), z, 8.3321608736e-3)
	s = poly(s, z, -1.6666654611e-1)
	s = s.Mul(z).Mul(r).Add(r)
	c = poly(splat(2.443315711809948e-5), z, -1.388731625493765e-3)
	c = poly(c, z, 4.166664568298827e-2)
	c = c.Mul(z).Mul(z).Sub(splat(0.5).Mul(z)).Add(splat(1))
	return s, c, k.ConvertToInt32()
}

const twoOverPi = 2 / pi

func sinVec(x lanes) lanes {
	s, c, n := sincos(x)
	y := c.Merge(s, n.And(splatBits(1)).Equal(splatBits(1)))
	return y.AsInt32x8().Xor(n.And(splatBits(2)).ShiftAllLeft(30)).AsFloat32x8()
}

func cosVec(x lanes) lanes {
	s, c, n := sincos(x)
	y := s.Merge(c, n.And(splatBits(1)).Equal(splatBits(1)))
	return y.AsInt32x8().Xor(n.Add(splatBits(1)).And(splatBits(2)).ShiftAllLeft(30)).AsFloat32x8()
}

func atan2Vec(y, x lanes) lanes {
	var zero lanes
	ax, ay := absVec(x), absVec(y)
	lo, hi := ax.Merge(ay, ax.Less(ay)), ax.Merge(ay, ax.Greater(ay))
	t := lo.Div(hi)
	steep := t.Greater(splat(0.4142135624))
	base := splat(geom.Pi/4).Merge(zero, steep)
	t = t.Sub(splat(1)).Div(t.Add(splat(1))).Merge(t, steep)
	z := t.Mul(t)
	p := poly(splat(8.05374449538e-2), z, -1.38776856032e-1)
	p = poly(p, z, 1.99777106478e-1)
	p = poly(p, z, -3.33329491539e-1)
	r := base.Add(p.Mul(z).Mul(t).Add(t))
	r = splat(geom.Pi/2).Sub(r).Merge(r, ay.Greater(ax))
	r = splat(geom.Pi).Sub(r).Merge(r, x.Less(zero))
	r = negate(r).Merge(r, y.Less(zero))
	return zero.Merge(r, hi.Equal(zero))
}
