// Package qdfile reads and writes archives as Apache Parquet, which pandas, polars, DuckDB, Arrow
// and others load directly.
//
// A file has one row an elite, with the columns
//
//	objective  float
//	measures   list of float, one a measure
//	solution   list of float: the parameters
//	goals      list of float: further objectives, mostly none
//
// and, as key-value metadata, what the caller wants to say about them: strings by name, such as
// the names of the measures. [Read], [Check] and [Fill] bring elites back into an archive.
package qdfile

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/terrarium-rl/terrarium/qd"
)

// An Elite is a row of a file.
type Elite struct {
	Objective float32   `parquet:"objective"`
	Measures  []float32 `parquet:"measures,list"`
	Solution  []float32 `parquet:"solution,list"`
	Goals     []float32 `parquet:"goals,list"`
}

// Write writes the elites of a in their order. Equal archives and metadata give equal files.
func Write(w io.Writer, a qd.Archive, about map[string]string) error {
	options := []parquet.WriterOption{
		parquet.Compression(&zstd.Codec{}), parquet.CreatedBy("terrarium", "0", "0"),
	}
	for _, key := range slices.Sorted(maps.Keys(about)) {
		options = append(options, parquet.KeyValueMetadata(key, about[key]))
	}
	f := parquet.NewGenericWriter[Elite](w, options...)
	for i := range a.Len() {
		e := a.Elite(i)
		if _, err := f.Write([]Elite{{e.Objective, e.Measures, e.Sol, e.Goals}}); err != nil {
			return fmt.Errorf("archive file: %w", err)
		}
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("archive file: %w", err)
	}
	return nil
}

// Read returns the elites of a file of size bytes and the value of each of its metadata.
func Read(r io.ReaderAt, size int64) (elites []Elite, about map[string]string, err error) {
	f, err := parquet.OpenFile(r, size)
	if err != nil {
		return nil, nil, fmt.Errorf("archive file: %w", err)
	}
	for _, column := range []string{"objective", "measures", "solution"} {
		if _, ok := f.Schema().Lookup(parquetPath(column)...); !ok {
			return nil, nil, fmt.Errorf("archive file: it has no column %q: was it written by qdfile?", column)
		}
	}
	about = map[string]string{}
	for _, kv := range f.Metadata().KeyValueMetadata {
		about[kv.Key] = kv.Value
	}
	rows := parquet.NewGenericReader[Elite](f)
	defer func() { _ = rows.Close() }() // it only reads
	elites = make([]Elite, rows.NumRows())
	for n := 0; n < len(elites); {
		k, err := rows.Read(elites[n:])
		n += k
		if err != nil && (!errors.Is(err, io.EOF) || n < len(elites)) {
			return nil, nil, fmt.Errorf("archive file: row %d: %w", n, err)
		}
	}
	return elites, about, nil
}

// Check reports the first of the metadata that is not as wanted, as an error that wraps
// qd.ErrVersion: elites of other measures, or of measures in another version, must not be filled
// into an archive.
func Check(about, want map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if about[key] != want[key] {
			return fmt.Errorf("archive file: its %s is %q, want %q: evaluate its solutions again, and fill the archive with what comes out: %w", key, about[key], want[key], qd.ErrVersion)
		}
	}
	return nil
}

// parquetPath returns the path of the leaf of a column.
func parquetPath(column string) []string {
	if column == "objective" {
		return []string{column}
	}
	return []string{column, "list", "element"}
}

// Fill offers the elites to a, which may be of another kind than the archive they come from.
func Fill(a qd.Archive, elites []Elite) error {
	if len(elites) == 0 {
		return nil
	}
	dim, m, g := len(elites[0].Solution), len(elites[0].Measures), len(elites[0].Goals)
	b := qd.Shape{Dim: dim, Measures: m, Goals: g}.Batch(len(elites))
	for i, e := range elites {
		if len(e.Solution) != dim || len(e.Measures) != m || len(e.Goals) != g {
			return fmt.Errorf("archive file: row %d has %d parameters, %d measures and %d goals, row 0 has %d, %d and %d: %w",
				i, len(e.Solution), len(e.Measures), len(e.Goals), dim, m, g, qd.ErrShape)
		}
		copy(b.Goals[i*g:], e.Goals)
		copy(b.Sol[i*dim:], e.Solution)
		copy(b.Measures[i*m:], e.Measures)
		b.Objective[i] = e.Objective
	}
	return a.Add(b)
}
