package twintest_test

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/env/tasks/pusher"
	"github.com/terrarium-rl/terrarium/experiments/twintest"
	"github.com/terrarium-rl/terrarium/rewards/program"
)

// Programs are the same on the GPU, each operation among them.
func TestPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		expr string
		env  env.Config
	}{
		"plain":     {"shaping - 0.3*main_engine", lander.New()},
		"number":    {"0.25", lander.New()},
		"column":    {"next.vy", lander.New()},
		"functions": {"exp(-height^2) + log(1 + speed) * tanh(obs.vx) - sin(3*obs.angle)/cos(obs.spin) + sqrt(abs(turning))", lander.New()},
		"angles":    {"atan2(obs.y, obs.x) + wrap(9*obs.angle) + floor(3*offset) + sign(turning)", lander.New()},
		"truths":    {"(on_pad > 0 and speed <= 0.1 or not (tilt < 0.2) ? 1 : -min(speed, 3, height)) + (terminated ? 5 : truncated == (tilt >= 1) ? 6 : act.engine)", lander.New()},
		"vectors":   {"dist(obs.position, next.position) - norm(act.force) + min(obs.rays) + mean(next.rays) + near(distance, 2) + clamp(obs.goal[1], -1, max(obs.rays))", maze.New()},
		"objects":   {"sum(0..1, obs.present[#] * norm(each(obs.box, 2)[#])) - min(map(each(next.zone, 2), norm(#))) + count(box_distance, # < 0.5) + (any(obs.placed, # > 0) and one(box_distance, # > 1) ? 3 : 0)", pusher.New()},
		"memory":    {"speed - prev(speed) + (first(speed > 2) ? 3 : 0) - prev(prev(height)) + (prev(on_pad > 0) or first(terminated) ? 1 : 0.5)", lander.New()},
	} {
		t.Run(name, func(t *testing.T) { twintest.Run(t, &program.Config{Expr: c.expr}, c.env) })
	}
}
