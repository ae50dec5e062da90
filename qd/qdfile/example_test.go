package qdfile_test

import (
	"bytes"
	"fmt"

	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/qdfile"
)

// Elites of a file go into an archive of other cells, if their measures are the same.
func Example() {
	archive := func(cells int) *qd.Cells {
		g, err := qd.NewGrid([]int{cells}, [][2]float32{{0, 1}})
		if err != nil {
			panic(err)
		}
		a, err := qd.NewCells(g, 1, qd.CellOptions{LearningRate: 1})
		if err != nil {
			panic(err)
		}
		return a
	}
	a, b := archive(10), qd.NewBatch(3, 1, 1)
	copy(b.Objective, []float32{5, 6, 7})
	copy(b.Measures, []float32{0.1, 0.3, 0.9})
	if err := a.Add(b); err != nil {
		panic(err)
	}
	var file bytes.Buffer
	if err := qdfile.Write(&file, a, map[string]string{"measures": `["last fact.x"]`}); err != nil {
		panic(err)
	}

	elites, about, err := qdfile.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err == nil {
		err = qdfile.Check(about, map[string]string{"measures": `["last fact.x"]`})
	}
	coarse := archive(2)
	if err == nil {
		err = qdfile.Fill(coarse, elites)
	}
	fmt.Println(len(elites), "elites,", coarse.Len(), "in the coarse archive:", err)
	// Output: 3 elites, 2 in the coarse archive: <nil>
}
