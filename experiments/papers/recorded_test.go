package papers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	_ "github.com/terrarium-rl/terrarium/experiments/standard" // all claims
)

// What the reports say follows from the rows in them, by the bounds that the claims have now: a bound
// that is changed later needs its claim run again.
func TestReportsFollowFromRows(t *testing.T) {
	paths, err := filepath.Glob("*/" + papers.ReportFile("*"))
	if err != nil || len(paths) == 0 {
		t.Fatal("there are no reports", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var r papers.Report
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(path, err)
		}
		c, err := papers.Lookup(r.Claim)
		if err != nil {
			t.Error(path, err)
			continue
		}
		if r.Stale {
			continue // the table says that it is of an older program, whose bounds may have been others
		}
		again := r.Result
		if err := again.Judge(c); err != nil {
			t.Error(err)
		}
		if !reflect.DeepEqual(again, r.Result) {
			t.Errorf("%s: the report says %v %+v, its rows %v %+v", path, r.Pass, r.Bounds, again.Pass, again.Bounds)
		}
		if want := c.Seeds[r.Scale]; r.Seeds != want || len(r.Rows[c.Treatment]) != want {
			t.Errorf("%s: %d seeds, %d rows, want %d", path, r.Seeds, len(r.Rows[c.Treatment]), want)
		}
	}
}
