package lab

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/pga"
	"github.com/terrarium-rl/terrarium/rewards"
)

// qdSeats is the most solutions that a worker plays at once.
const qdSeats = 32

// A qdPlayer plays many solutions at once, each in a seat: a world of its own, which begins its episodes
// with keys of the solution. So it does not matter who plays what, nor beside what. As soon as a
// solution has played its episodes, the next takes its seat.
type qdPlayer struct {
	plan     *Plan
	genome   *genome
	vec      env.Vec
	batch    *env.Batch
	seats    []qdSeat
	used     int         // seats that have been taken since clear: the rows of others hold nothing yet
	live     int         // seats that are taken now
	params   [][]float32 // of the policy in each seat; nil where it is empty
	tape     *nn.Tape
	reward   *rewards.Sum
	rew      []float32
	scored   env.Batch  // the rows of used seats
	measures []measured // and then the goals
	learning bool       // keep the transitions
}

// A qdSeat is a world and what is known of the solution that plays in it.
type qdSeat struct {
	row      env.Batch // of the world
	memory   []float32 // for parameters
	values   []tally
	observer *observer // nil if nothing is observed
	lesson   *pga.Transitions

	solution int // its number
	out      *qd.Batch
	key      rng.Key
	episode  int     // its number
	steps    int64   // in it
	sum      float64 // of its rewards
	total    float64 // of the episodes before
	moves    int64   // in them
}

// newQDPlayer returns a player for up to the given number of solutions at once: one, if an engine steps the
// worlds that cannot begin them one by one.
func newQDPlayer(p *Plan, g *genome, seats int) (w *qdPlayer, err error) {
	vec, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: seats, Workers: 1, Levels: p.levels, Engine: p.ownEngine()})
	if err != nil {
		return nil, err
	}
	if _, ok := vec.(env.Restarter); !ok && seats > 1 {
		if err := vec.Close(); err != nil {
			return nil, err
		}
		return newQDPlayer(p, g, 1)
	}
	w = &qdPlayer{
		plan: p, genome: g, vec: vec, batch: env.NewBatch(p.Spec, seats), seats: make([]qdSeat, seats),
		params: make([][]float32, seats), tape: g.net.NewTape(seats), rew: make([]float32, seats),
	}
	defer func() {
		if err != nil {
			vec.Close()
		}
	}()
	for _, m := range p.QD.tallied() {
		r, err := m.resolve(p.Spec)
		if err != nil {
			return nil, err
		}
		w.measures = append(w.measures, r)
	}
	for s := range w.seats {
		seat := &w.seats[s]
		seat.row, seat.memory, seat.values = w.batch.Rows(s, s+1), make([]float32, g.net.NumParams()), make([]tally, len(w.measures))
		if seat.observer, err = newObserver(p, vec, s); err != nil {
			return nil, err
		}
	}
	return w, w.clear()
}

// clear empties all seats, whatever has happened in them.
func (w *qdPlayer) clear() (err error) {
	w.vec.Reset(0)
	clear(w.batch.Act) // of which some may be invalid
	w.used, w.live = 0, 0
	for s := range w.seats {
		w.leave(s)
	}
	w.reward, err = w.plan.buildReward() // without memories of episodes that were broken off
	return err
}

// leave empties a seat.
func (w *qdPlayer) leave(s int) {
	w.params[s] = nil
	if r, ok := w.vec.(env.Restarter); ok {
		r.Rest(s)
	}
}

// load makes a seat act by the policy that sol stands for.
func (w *qdPlayer) load(s int, sol []float32) {
	if s >= w.used {
		w.used = s + 1
		w.scored = w.batch.Rows(0, w.used)
	}
	w.params[s] = w.seats[s].memory
	w.genome.expand(w.params[s], sol)
}

// sit gives solution i of j a seat.
func (w *qdPlayer) sit(s int, j *qdJob, i int) {
	w.live++
	seat, out := &w.seats[s], j.batch.Rows(i, i+1)
	w.load(s, out.Sol)
	seat.solution, seat.out, seat.key = i, out, j.key(i)
	seat.episode, seat.total, seat.moves, seat.lesson = 0, 0, 0, nil
	if w.learning {
		seat.lesson = &pga.Transitions{}
	}
	clear(out.Measures)
	clear(out.Goals)
	clear(out.Obs)
	w.begin(s)
}

// begin begins an episode.
func (w *qdPlayer) begin(s int) {
	seat := &w.seats[s]
	seat.steps, seat.sum = 0, 0
	clear(seat.values)
	seed := seat.key.Fold(uint64(seat.episode)).Uint64()
	if r, ok := w.vec.(env.Restarter); ok {
		r.Restart(s, seed)
		return
	}
	w.vec.Reset(seed) // the only seat
}

// step is a step of all seats that are taken.
func (w *qdPlayer) step() error {
	if err := w.vec.Observe(w.batch); err != nil {
		return err
	}
	w.act()
	if err := w.vec.Step(w.batch); err != nil {
		return err
	}
	if err := w.score(); err != nil {
		return err
	}
	for s := range w.seats[:w.used] {
		if w.params[s] != nil {
			w.watch(s)
		}
	}
	return nil
}

// act lets each policy act in its world.
func (w *qdPlayer) act() {
	y, out := w.genome.net.ForwardEach(w.params[:w.used], w.tape, w.batch.Obs), w.genome.net.Out()
	for s, params := range w.params[:w.used] {
		if params != nil {
			w.genome.action(w.seats[s].row.Act, y[s*out:(s+1)*out])
		}
	}
}

// score computes the rewards of all used seats. What those say that are empty is of no interest.
func (w *qdPlayer) score() (err error) {
	defer w.plan.recoverReward(w.reward, &w.scored, &err)
	if err := rewards.Follow(w.reward, w.rew, &w.scored); err != nil {
		return &rewardError{err: err}
	}
	for s, params := range w.params[:w.used] {
		if r := w.rew[s] + w.batch.Reward[s]; params != nil && r-r != 0 {
			if err := checkReward(&w.scored, w.rew[:w.used], w.reward); err != nil {
				return &rewardError{err: err}
			}
		}
	}
	return nil
}

// watch notes what happened in a seat.
func (w *qdPlayer) watch(s int) {
	seat := &w.seats[s]
	b, over := &seat.row, seat.row.End[0] != env.Running
	seat.sum += float64(w.rew[s])
	for i := range w.measures {
		seat.values[i].step(&w.measures[i], b)
	}
	if seat.lesson != nil {
		w.genome.record(seat.lesson, b, w.rew[s])
	}
	if seat.observer != nil {
		seat.observer.step(int(seat.steps), over, b)
	}
	seat.steps++
}

// finish ends an episode: what is written are means over all. It reports whether it was the last.
func (w *qdPlayer) finish(s, episodes int) (last bool) {
	seat, share := &w.seats[s], 1/float64(episodes)
	out := seat.out
	seat.total += seat.sum
	seat.moves += seat.steps
	for i := range seat.values {
		v := seat.values[i].end()
		if m := len(out.Measures); i < m {
			out.Measures[i] += float32(v * share)
		} else {
			out.Goals[i-m] += float32(w.plan.QD.Goals[i-m].sign() * v * share)
		}
	}
	if seat.observer != nil {
		for i, v := range seat.observer.out {
			out.Obs[i] += float32(v * float32(share))
		}
	}
	if seat.episode++; seat.episode < episodes {
		return false
	}
	out.Objective[0] = float32(seat.total * share)
	if areas := w.plan.QD.Areas; len(areas) > 0 {
		out.Objective[0], _ = inAreas(areas, out.Measures)
	}
	return true
}

// play plays until all seats are empty. Next says who takes one that has become so, if anybody does.
func (w *qdPlayer) play(j *qdJob, next func() (i int, ok bool)) error {
	for w.live > 0 {
		if err := w.step(); err != nil {
			return err
		}
		for s := range w.seats[:w.used] {
			seat := &w.seats[s]
			if w.params[s] == nil || seat.row.End[0] == env.Running {
				continue
			}
			if !w.finish(s, j.episodes) {
				w.begin(s)
				continue
			}
			j.lessons[seat.solution] = seat.lesson
			j.steps.Add(seat.moves)
			w.live--
			if i, ok := next(); ok {
				w.sit(s, j, i)
			} else {
				w.leave(s)
			}
		}
	}
	return nil
}

// work plays what it can get of j, up to room solutions at once.
func (w *qdPlayer) work(j *qdJob, room int) {
	if w.live > 0 { // an error has left seats taken
		if err := w.clear(); err != nil {
			j.fail(0, err)
			return
		}
	}
	for s := range min(room, len(w.seats)) {
		i, ok := j.take()
		if !ok {
			break
		}
		w.sit(s, j, i)
	}
	if w.play(j, j.take) == nil {
		return
	}
	// It is one of several that something is wrong with. Which, and what, shows when each plays alone.
	var held []int
	for s, params := range w.params {
		if params != nil {
			held = append(held, w.seats[s].solution)
		}
	}
	for _, i := range held {
		w.alone(j, i)
	}
	for i, ok := j.take(); ok; i, ok = j.take() {
		w.alone(j, i)
	}
}

// alone plays solution i with nothing beside it, unless one before it is known to fail.
func (w *qdPlayer) alone(j *qdJob, i int) {
	if i > int(j.failed.Load()) {
		return
	}
	err := w.clear()
	if err == nil {
		w.sit(0, j, i)
		err = w.play(j, func() (int, bool) { return 0, false })
	}
	if err != nil {
		j.fail(i, err)
	}
}

// A qdJob is a batch to be played by several players.
type qdJob struct {
	batch    *qd.Batch
	episodes int
	key      func(i int) rng.Key
	lessons  []*pga.Transitions // of each solution; nil where nobody learns
	steps    *atomic.Int64
	next     atomic.Int64

	failed atomic.Int64 // number of the first solution known to fail
	lock   sync.Mutex
	err    error // why
}

// take returns the number of a solution that nobody has played yet. Where one fails, what comes after it
// need not be played.
func (j *qdJob) take() (i int, ok bool) {
	i = int(j.next.Add(1)) - 1
	return i, i < j.batch.N && i < int(j.failed.Load())
}

// fail notes why solution i fails: the first of a batch that does is the same for any players.
func (j *qdJob) fail(i int, err error) {
	j.lock.Lock()
	defer j.lock.Unlock()
	if int64(i) < j.failed.Load() {
		j.failed.Store(int64(i))
		j.err = fmt.Errorf("solution %d: %w", i, err)
	}
}

// A qdPool evaluates batches by as many players as there are workers.
type qdPool struct {
	players  []*qdPlayer
	steps    atomic.Int64 // transitions so far
	learners []*pga.Emitter
}

func newQDPool(p *Plan, workers, seats int) (*qdPool, error) {
	g, pool := newGenome(p), &qdPool{}
	for range workers {
		w, err := newQDPlayer(p, g, seats)
		if err != nil {
			pool.close()
			return nil, err
		}
		pool.players = append(pool.players, w)
	}
	return pool, nil
}

func (q *qdPool) close() {
	for _, w := range q.players {
		w.vec.Close()
	}
}

// learns makes the pool keep the transitions of each batch for the emitters that learn from them.
func (q *qdPool) learns(s searcher) {
	e, ok := s.(emitterSearch)
	if !ok {
		return
	}
	for _, emitter := range e.Emitters {
		if l, ok := emitter.(*pga.Emitter); ok {
			q.learners = append(q.learners, l)
		}
	}
	for _, w := range q.players {
		w.learning = len(q.learners) > 0
	}
}

// evaluate plays every row of b. Row i plays the episodes of key(i).
func (q *qdPool) evaluate(b *qd.Batch, episodes int, key func(i int) rng.Key) error {
	j := &qdJob{batch: b, episodes: episodes, key: key, lessons: make([]*pga.Transitions, b.N), steps: &q.steps}
	j.failed.Store(math.MaxInt64)
	room := (b.N + len(q.players) - 1) / len(q.players) // else the first might leave nothing for the others
	var wg sync.WaitGroup
	for _, w := range q.players {
		wg.Go(func() { w.work(j, room) })
	}
	wg.Wait()
	if j.err != nil {
		return j.err
	}
	for _, l := range q.learners { // in the order of rows, whoever played them
		for _, t := range j.lessons {
			if err := l.Observe(t); err != nil {
				return err
			}
		}
	}
	return nil
}
