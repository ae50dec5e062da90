package relay

import (
	"runtime"
	"testing"
	"time"
)

// Nothing is lost or done twice, whether the waiting goroutine still looks or has blocked.
func TestRelay(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Microsecond, 300 * time.Microsecond} {
		for _, procs := range []int{1, 2, 4} {
			old := runtime.GOMAXPROCS(procs)
			const helpers, rounds = 3, 300
			var flags [helpers]*Flag
			var worked [helpers]int
			var count Count
			stop := false
			for h := range flags {
				flags[h] = New()
				go func() {
					for {
						flags[h].Wait()
						if stop {
							count.Done()
							return
						}
						worked[h]++
						count.Done()
					}
				}()
			}
			for i := range rounds {
				count.Begin(helpers)
				for _, f := range flags {
					f.Raise()
				}
				count.Wait()
				for h, n := range worked {
					if n != i+1 {
						t.Fatalf("round %d: helper %d has worked %d times", i, h, n)
					}
				}
				if pause > 0 {
					time.Sleep(pause)
				}
			}
			stop = true
			count.Begin(helpers)
			for _, f := range flags {
				f.Raise()
			}
			count.Wait()
			runtime.GOMAXPROCS(old)
		}
	}
}

func BenchmarkRelay(b *testing.B) {
	f, done := New(), New()
	go func() {
		for {
			f.Wait()
			done.Raise()
		}
	}()
	for b.Loop() {
		f.Raise()
		done.Wait()
	}
}
