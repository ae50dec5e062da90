package ppo

import "github.com/terrarium-rl/terrarium/env"

// Judge sets value[i] to the agent's estimate of the discounted return that follows row i of
// b.Obs, in the rewards it learns from (scaled, if it scales them), and entropy[i] to the entropy
// of the distribution of its actions there, in nats, before they are clipped to their bounds.
func (a *agent) Judge(b *env.Batch, value, entropy []float32) {
	w, free := &a.work[0], a.net.Free(a.params)
	for lo := 0; lo < b.N; lo += actBlock {
		n := min(actBlock, b.N-lo)
		obs, raw := w.obs[:n*a.obs], w.act[:n*a.act]
		a.normalize(obs, b.Obs[lo*a.obs:(lo+n)*a.obs])
		a.net.Forward(a.params, w.tape, obs, n)
		a.head.Mode(raw, w.tape.Policy, free)
		a.head.Forward(w.head, w.tape.Policy, free, raw)
		copy(value[lo:lo+n], w.tape.Value)
		copy(entropy[lo:lo+n], w.head.Entropy)
	}
}
