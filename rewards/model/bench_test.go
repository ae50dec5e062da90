//go:build unix

package model

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// processorTime returns the seconds of the processor that the program has taken.
func processorTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkFit reports segment pairs a second of the processor of networks of 32-32 on 24 features of 50
// steps: what one free core trains, whatever else the machine does.
func BenchmarkFit(b *testing.B) {
	for _, members := range []int{1, 3} {
		b.Run(fmt.Sprint("members=", members), func(b *testing.B) {
			shape := feedback.Shape{Obs: 20, Act: 4}
			s, segs := pool(b, shape, 800, 50)
			rs := pairs(b, s, segs, 400, &label.Teacher{})
			e := ensemble(b, Shape{Inputs: []string{"obs", "act"}, Hidden: []int{32, 32}, Activation: nn.ReLU, Members: members}, shape)
			o := DefaultTraining()
			o.HeldOut = 0
			p := nn.NewPool(1)
			before := processorTime(b)
			for b.Loop() {
				if _, err := Fit(e, s, rs, o, p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*members*len(rs)*o.Epochs)/(processorTime(b)-before), "pairs/cpu-s")
		})
	}
}
