package qdfile_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/qdfile"
)

func archive(t *testing.T) *qd.Cells {
	t.Helper()
	g, err := qd.NewGrid([]int{9, 7}, [][2]float32{{-1, 1}, {-1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := qd.NewCells(g, 5, qd.CellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRoundTrip(t *testing.T) {
	a, b := archive(t), qd.NewBatch(200, 5, 2)
	r := rng.New(1).Stream(0, 0, 0)
	for _, x := range [][]float32{b.Sol, b.Objective, b.Measures} {
		for i := range x {
			x[i] = r.Range(-1, 1)
		}
	}
	if err := a.Add(b); err != nil {
		t.Fatal(err)
	}
	about := map[string]string{"measures": `["x","y"]`, "env": "lander-v0"}
	var one, two bytes.Buffer
	for _, w := range []*bytes.Buffer{&one, &two} {
		if err := qdfile.Write(w, a, about); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("writing twice gave different files")
	}
	elites, got, err := qdfile.Read(bytes.NewReader(one.Bytes()), int64(one.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, about) {
		t.Errorf("metadata %v, want %v", got, about)
	}
	again := archive(t)
	if err := qdfile.Fill(again, elites); err != nil {
		t.Fatal(err)
	}
	if again.Len() != a.Len() || a.Len() < 30 {
		t.Fatalf("%d elites, want %d", again.Len(), a.Len())
	}
	for c := range a.Niches() {
		want, ok := a.At(c)
		if got, ok2 := again.At(c); ok != ok2 || !reflect.DeepEqual(got, want) {
			t.Errorf("cell %d holds %v, want %v", c, got, want)
		}
	}
	cut := one.Bytes()[:one.Len()/2]
	if _, _, err := qdfile.Read(bytes.NewReader(cut), int64(len(cut))); err == nil || !strings.Contains(err.Error(), "archive file") {
		t.Errorf("a file cut in two: error %v", err)
	}
}

// Metadata of other measures are refused by name.
func TestCheck(t *testing.T) {
	about := map[string]string{"measures": "last fact.x", "version": "3"}
	if err := qdfile.Check(about, map[string]string{"version": "3"}); err != nil {
		t.Error(err)
	}
	if err := qdfile.Check(about, map[string]string{"version": "4"}); !errors.Is(err, qd.ErrVersion) {
		t.Errorf("another version: error %v", err)
	}
}

// Further objectives go through a file.
func TestGoals(t *testing.T) {
	fresh := func() *qd.Fronts {
		g, err := qd.NewGrid([]int{2}, [][2]float32{{0, 1}})
		if err != nil {
			t.Fatal(err)
		}
		a, err := qd.NewFronts(g, 1, qd.FrontOptions{Goals: 1, Most: 5, Reference: []float32{0, 0}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a, again := fresh(), fresh()
	b := qd.Shape{Dim: 1, Measures: 1, Goals: 1}.Batch(3)
	copy(b.Objective, []float32{1, 2, 3})
	copy(b.Goals, []float32{3, 2, 1})
	if err := a.Add(b); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := qdfile.Write(&buf, a, nil); err != nil {
		t.Fatal(err)
	}
	elites, _, err := qdfile.Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if err := qdfile.Fill(again, elites); err != nil || again.Len() != 3 || again.Hypervolumes() != a.Hypervolumes() {
		t.Errorf("%d elites of volume %v, want 3 of %v: %v", again.Len(), again.Hypervolumes(), a.Hypervolumes(), err)
	}
}
