package nn

import (
	"fmt"
	"strings"
)

// An Activation is the nonlinearity of the hidden layers of a network.
type Activation uint8

const (
	Tanh     Activation = iota // hyperbolic tangent
	ReLU                       // max(x, 0)
	ELU                        // x above 0, e^x - 1 below
	Identity                   // x: a linear network
)

var activations = [...]string{"tanh", "relu", "elu", "identity"}

// String returns the name of a in lower case.
func (a Activation) String() string { return activations[a] }

// MarshalText returns the name of a.
func (a Activation) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText sets a by its name.
func (a *Activation) UnmarshalText(b []byte) error {
	for i, name := range activations {
		if name == string(b) {
			*a = Activation(i)
			return nil
		}
	}
	return fmt.Errorf("unknown activation %q, want one of %s", b, strings.Join(activations[:], ", "))
}

// apply replaces x by the activation of x. tmp is scratch of the same length.
func (a Activation) apply(k *kernel, x, tmp []float32) {
	switch a {
	case Tanh:
		k.tanh(x)
	case ReLU:
		k.relu(x)
	case ELU:
		copy(tmp, x)
		k.exp(tmp)
		for i, v := range x {
			if v < 0 {
				x[i] = tmp[i] - 1
			}
		}
	}
}

// grad multiplies g by the derivative of the activation where its result was y.
func (a Activation) grad(k *kernel, g, y []float32) {
	switch a {
	case Tanh:
		k.tanhGrad(g, y)
	case ReLU:
		k.reluGrad(g, y)
	case ELU:
		for i, v := range y {
			if v < 0 {
				g[i] *= v + 1
			}
		}
	}
}
