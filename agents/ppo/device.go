package ppo

import (
	"errors"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
)

// Actor returns the policy in a form that an env.Roller can run. It shares memory with the agent,
// and holds until the next update. Kernels compute as the kernel "blas" of package nn does.
func (a *agent) Actor(explore bool) (*env.Actor, error) {
	if a.LayerNorm {
		return nil, errors.New("ppo: devices cannot run networks with layer normalisation")
	}
	out := a.head.Inputs()
	if a.Shared {
		out++ // the value, which is not needed
	}
	params := a.ofNet(a.params)
	p := &env.Actor{
		Widths: append(append([]int{a.obs}, a.Hidden...), out), Activation: a.Activation.String(),
		Params: a.net.ActorParams(params), Free: a.net.Free(params), Purpose: nn.SamplePurpose, Explore: explore,
	}
	for _, part := range a.head.Parts() {
		kind := env.Categorical
		switch part.Kind {
		case nn.Gaussian:
			kind = env.Normal
		case nn.SquashedGaussian:
			kind = env.SquashedNormal
		}
		p.Parts = append(p.Parts, env.ActorPart{Kind: kind, N: part.N})
	}
	if a.norm != nil {
		p.Shift, p.Scale, p.Limit = a.norm.shift, a.norm.scale, a.norm.limit
	}
	return p, nil
}
