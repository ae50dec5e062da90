package explore

import (
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
)

func sqrt64(x float64) float64 { return math.Sqrt(x) }

// plain features are the fields themselves.
type plain struct{}

func (plain) embed(dst, x []float32, _, _ int)              { copy(dst, x) }
func (plain) learn(*env.Batch, func(string, float64)) error { return nil }
func (plain) append(dst []byte) []byte                      { return dst }
func (plain) cut(src []byte) ([]byte, error)                { return src, nil }

// random features are those of a network of fixed random weights.
type random struct {
	net   *nn.MLP
	p     []float32
	tapes []*nn.Tape // one a worker
}

func newRandom(width int, c *Features, s Setup) *random {
	net := nn.NewMLP(nn.MLPConfig{In: width, Hidden: []int{c.Hidden}, Out: c.Dim})
	r := &random{net: net, p: make([]float32, net.NumParams()), tapes: tapes(net, s)}
	net.Init(r.p, s.Key)
	return r
}

// tapes returns a tape of net for each worker, for a chunk of rows.
func tapes(net *nn.MLP, s Setup) (ts []*nn.Tape) {
	for range max(s.Workers, 1) {
		ts = append(ts, net.NewTape(min(chunk, s.Rows)))
	}
	return ts
}

func (r *random) embed(dst, x []float32, rows, worker int) {
	copy(dst, r.net.Forward(r.p, r.tapes[worker], x, rows))
}
func (r *random) learn(*env.Batch, func(string, float64)) error { return nil }
func (r *random) append(dst []byte) []byte                      { return dst }
func (r *random) cut(src []byte) ([]byte, error)                { return src, nil }

var (
	_ embedding = plain{}
	_ embedding = (*random)(nil)
	_ embedding = (*inverse)(nil)
)
