package program_test

import (
	"testing"

	"github.com/terrarium-rl/terrarium/rewards/program"
)

// BenchmarkOps reports the time of a row and operation, the loading of columns included, on a
// batch of 4096.
func BenchmarkOps(b *testing.B) {
	for _, c := range []struct{ name, source string }{
		{"reward", "2*progress - 0.1*energy"},
		{"mixed", "let d = dist(obs.position, next.position); (d < 0.5 and energy < 2 ? 10 : -tanh(2*d)) + clamp(progress, -1, 1) - 0.01*norm(act.push)"},
		{"add", "progress + energy + obs.vx + next.vx + rays[0] + rays[1] + rays[2] + energy + progress + obs.vx"},
		{"divide", "progress / energy / obs.vx / next.vx / rays[0] / rays[1] / rays[2] / energy / progress / obs.vx"},
		{"select", "progress > energy ? (obs.vx > 0 ? 1 : 2) : (next.vx > rays[0] ? energy : 4)"},
		{"exp", "exp(-exp(-exp(-exp(-exp(-exp(-exp(-exp(-abs(progress)))))))))"},
		{"log", "log(2+log(2+log(2+log(2+log(2+log(2+log(2+log(2+abs(progress)))))))))"},
		{"tanh", "tanh(tanh(tanh(tanh(tanh(tanh(tanh(tanh(progress))))))))"},
		{"sin", "sin(sin(sin(sin(sin(sin(sin(sin(progress))))))))"},
		{"atan2", "atan2(atan2(atan2(atan2(progress, energy), obs.vx), next.vx), rays[0])"},
		{"sqrt", "sqrt(sqrt(sqrt(sqrt(sqrt(sqrt(sqrt(sqrt(progress))))))))"},
		{"floor", "floor(0.5*floor(0.5*floor(0.5*floor(0.5*progress))))"},
	} {
		b.Run(c.name, func(b *testing.B) {
			f, err := program.Compile(c.source, spec)
			if err != nil {
				b.Fatal(err)
			}
			rows, _ := batch(4096)
			dst := make([]float32, rows.N)
			b.ReportAllocs()
			for b.Loop() {
				f.Score(dst, rows)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows.N)/float64(f.Ops()), "ns/row/op")
		})
	}
}
