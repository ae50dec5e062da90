package lab

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Log files of a seed.
const (
	metricsFile = "metrics.jsonl" // a function of program, config and seed
	timingFile  = "timing.jsonl"  // wall-clock figures
	eventsStem  = "events.out.tfevents."
)

// logs are the files that a seed appends to while it trains.
type logs struct {
	files map[string]*os.File // by name
	event string              // name of the TensorBoard file
	buf   []byte
}

// openLogs opens the log files in dir for appending at the given sizes, and cuts off what was
// written later. Without sizes it starts new files in place of any old ones.
func openLogs(dir string, sizes map[string]int64) (*logs, error) {
	l := &logs{files: map[string]*os.File{}}
	if sizes == nil {
		old, err := filepath.Glob(filepath.Join(globEscape(dir), eventsStem+"*"))
		if err != nil {
			return nil, err
		}
		for _, path := range old {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		}
		host, err := os.Hostname()
		if err != nil {
			host = "localhost"
		}
		sizes = map[string]int64{metricsFile: 0, timingFile: 0, fmt.Sprintf("%s%d.%s", eventsStem, time.Now().Unix(), host): 0}
	}
	for name, size := range sizes {
		if err := l.open(dir, name, size); err != nil {
			_ = l.close() // the first error tells more
			return nil, err
		}
		if name != metricsFile && name != timingFile {
			l.event = name
		}
	}
	if sizes[l.event] == 0 {
		return l, l.append(l.event, appendEvent(nil, now(), 0, nil, nil))
	}
	return l, nil
}

func (l *logs) open(dir, name string, size int64) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	l.files[name] = f
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < size {
		return lacking(fmt.Errorf("%s has %d bytes, the checkpoint says %d: it was cut off; delete the folder %s to train this seed again",
			path, info.Size(), size, dir))
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	_, err = f.Seek(size, 0)
	return err
}

func (l *logs) append(name string, data []byte) error {
	if _, err := l.files[name].Write(data); err != nil {
		return fmt.Errorf("%w; what the last checkpoint holds is safe", err)
	}
	return nil
}

// sync makes what was written durable and returns the sizes of the files.
func (l *logs) sync() (map[string]int64, error) {
	sizes := map[string]int64{}
	for name, f := range l.files {
		if err := f.Sync(); err != nil {
			return nil, err
		}
		at, err := f.Seek(0, 1)
		if err != nil {
			return nil, err
		}
		sizes[name] = at
	}
	return sizes, nil
}

func (l *logs) close() (err error) {
	for _, f := range l.files {
		if e := f.Close(); err == nil {
			err = e
		}
	}
	return err
}

// row writes one row of metrics and one of timing.
func (l *logs) row(r *Row, elapsed time.Duration, perSecond float64) error {
	if err := l.append(metricsFile, append(r.appendJSON(l.buf[:0]), '\n')); err != nil {
		return err
	}
	l.buf = fmt.Appendf(l.buf[:0], `{"step":%d,"seconds":%.3f,"steps_per_second":%.0f}`+"\n", r.Step, elapsed.Seconds(), perSecond)
	if err := l.append(timingFile, l.buf); err != nil {
		return err
	}
	names, values := make([]string, 0, len(r.Names)+1), make([]float64, 0, len(r.Names)+1)
	for i, name := range r.Names {
		if v := r.Values[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			names, values = append(names, name), append(values, v)
		}
	}
	names, values = append(names, "time/steps_per_second"), append(values, perSecond)
	return l.append(l.event, appendEvent(l.buf[:0], now(), r.Step, names, values))
}

func now() float64 { return float64(time.Now().UnixNano()) / 1e9 }

// A Row is a point of the learning curve: a line of metrics.jsonl.
type Row struct {
	Step   int64
	Names  []string // such as "return_mean" or "loss/policy"
	Values []float64
}

// Get returns the named value, or NaN.
func (r *Row) Get(name string) float64 {
	for i, n := range r.Names {
		if n == name {
			return r.Values[i]
		}
	}
	return math.NaN()
}

func (r *Row) add(name string, v float64) {
	r.Names, r.Values = append(r.Names, name), append(r.Values, v)
}

// appendJSON appends r as one flat object. What is not finite becomes null.
func (r *Row) appendJSON(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"step":`...), r.Step, 10)
	for i, name := range r.Names {
		dst = append(dst, ',')
		dst = append(dst, mustJSON(name)...)
		dst = append(dst, ':')
		dst = append(dst, mustJSON(jsonFloat(r.Values[i]))...)
	}
	return append(dst, '}')
}

// jsonFloat is a float64 that is null in JSON where it is not finite.
type jsonFloat float64

// MarshalJSON returns the number or null.
func (f jsonFloat) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// mustJSON is for values that have a JSON form for sure.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("lab: " + err.Error())
	}
	return b
}
