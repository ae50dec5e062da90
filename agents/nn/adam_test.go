package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Some steps must be those of the paper's algorithm 1 in float64.
func TestAdam(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		const n, lr = 13, 0.01
		a := NewAdam(n)
		a.Eps = 1e-5
		p := random(1, n, 1)
		theta, m, v := wide(p), make([]float64, n), make([]float64, n)
		for step := 1; step <= 50; step++ {
			g := random(uint64(100+step), n, 1)
			a.Step(p, g, lr)
			for i, x := range wide(g) {
				m[i] = 0.9*m[i] + 0.1*x
				v[i] = 0.999*v[i] + 0.001*x*x
				mHat, vHat := m[i]/(1-math.Pow(0.9, float64(step))), v[i]/(1-math.Pow(0.999, float64(step)))
				theta[i] -= lr * mHat / (math.Sqrt(vHat) + 1e-5)
			}
		}
		for i, want := range theta {
			if math.Abs(float64(p[i])-want) > 2e-6 {
				t.Errorf("parameter %d = %v, want %v", i, p[i], want)
			}
		}
		if a.Steps() != 50 {
			t.Errorf("Steps() = %d", a.Steps())
		}
	})
}

// A restored optimiser must go on to the same bits.
func TestAdamState(t *testing.T) {
	const n = 21
	a, p := NewAdam(n), random(1, n, 1)
	a.Step(p, random(2, n, 1), 0.1)
	a.Step(p, random(3, n, 1), 0.1)
	state, err := a.AppendBinary([]byte("before"))
	if err != nil || string(state[:6]) != "before" {
		t.Fatalf("AppendBinary: %q, %v", state[:6], err)
	}
	state = state[6:]
	b, q := NewAdam(n), slices.Clone(p)
	if err := b.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	a.Step(p, random(4, n, 1), 0.1)
	b.Step(q, random(4, n, 1), 0.1)
	if !slices.Equal(p, q) {
		t.Error("parameters differ after a restored step")
	}
	again, _ := b.AppendBinary(nil)
	for name, bad := range map[string][]byte{
		"nothing": nil, "short": state[:len(state)-1], "long": append(slices.Clone(state), 0),
		"of another size": func() []byte { s := slices.Clone(state); s[8]++; return s }(),
		"negative steps":  func() []byte { s := slices.Clone(state); s[7] = 0x80; return s }(),
	} {
		if err := b.UnmarshalBinary(bad); err == nil {
			t.Errorf("state %s was accepted", name)
		}
		if now, _ := b.AppendBinary(nil); !slices.Equal(now, again) {
			t.Errorf("state %s was refused but changed the optimiser", name)
		}
	}
}

func FuzzAdamState(f *testing.F) {
	s, _ := NewAdam(3).AppendBinary(nil)
	f.Add(s)
	f.Fuzz(func(t *testing.T, b []byte) {
		a := NewAdam(3)
		if a.UnmarshalBinary(b) != nil {
			return
		}
		if again, _ := a.AppendBinary(nil); !slices.Equal(again, b) {
			t.Errorf("state %x reads back as %x", b, again)
		}
	})
}

func TestActivationText(t *testing.T) {
	for _, a := range []Activation{Tanh, ReLU, ELU, Identity} {
		text, _ := a.MarshalText()
		b := Activation(99)
		if err := b.UnmarshalText(text); err != nil || b != a {
			t.Errorf("%s reads back as %v, %v", text, b, err)
		}
	}
	var a Activation
	if err := a.UnmarshalText([]byte("tahn")); err == nil {
		t.Error("an unknown activation was accepted")
	}
}

// The initial policy must be nearly uniform, the value of order one, whatever the shape.
func TestActorCriticInit(t *testing.T) {
	for _, shared := range []bool{true, false} {
		net := NewActorCritic(ActorCriticConfig{
			Obs: 10, Head: NewHead(Part{Categorical, 3}, Part{Gaussian, 2}), Hidden: []int{64, 64},
			Shared: shared, LogStd: -0.7,
		})
		const rows = 500
		p, tape := make([]float32, net.NumParams()), net.NewTape(rows)
		net.Init(p, rng.New(3))
		net.Forward(p, tape, random(1, rows*10, 1), rows)
		rms := func(x []float32) float64 {
			return math.Sqrt(sumSquares(x) / float64(len(x)))
		}
		if r := rms(tape.Policy); r < 1e-4 || r > 0.02 {
			t.Errorf("policy outputs have root mean square %v, want about 0.01 (shared %v)", r, shared)
		}
		if r := rms(tape.Value); r < 0.2 || r > 2 {
			t.Errorf("values have root mean square %v, want about 1 (shared %v)", r, shared)
		}
		if free := net.Free(p); !slices.Equal(free, []float32{-0.7, -0.7}) {
			t.Errorf("free parameters %v", free)
		}
	}
}

// ForwardPolicy and ForwardValue must give what Forward gives.
func TestActorCriticHalves(t *testing.T) {
	for _, shared := range []bool{true, false} {
		u := newUpdate(shared, 5, NewPool(1))
		a, b := u.net.NewTape(5), u.net.NewTape(5)
		u.net.Forward(u.t.Params, a, u.obs, 5)
		u.net.ForwardPolicy(u.t.Params, b, u.obs, 5)
		if !slices.Equal(a.Policy, b.Policy) {
			t.Errorf("policies differ (shared %v)", shared)
		}
		u.net.ForwardValue(u.t.Params, b, u.obs, 5)
		if !slices.Equal(a.Value, b.Value) {
			t.Errorf("values differ (shared %v)", shared)
		}
	}
}

func TestWhere(t *testing.T) {
	net := NewActorCritic(ActorCriticConfig{
		Obs: 2, Head: NewHead(Part{Gaussian, 1}), Hidden: []int{3}, LayerNorm: true,
	})
	// Actor: 2x3 weights, 3 biases, 3 gains, 3x1 weights, 1 bias = 16; the critic likewise; 1 free.
	for i, want := range map[int]string{
		4: "actor layer 0, weight of input 1 to output 1", 7: "actor layer 0, bias 1",
		9: "actor layer 0, gain 0", 14: "actor layer 1, weight of input 2 to output 0",
		15: "actor layer 1, bias 0", 31: "critic layer 1, bias 0",
		32: "free parameter 0 of the action distribution",
	} {
		if got := net.Where(i); got != want {
			t.Errorf("Where(%d) = %q, want %q", i, got, want)
		}
	}
	if net.NumParams() != 33 {
		t.Errorf("NumParams() = %d, want 33", net.NumParams())
	}
}
